import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// Activity that changes nothing else: known at once, and in the file a little later.
@Suite(.timeLimit(.minutes(5))) struct ActivityTests {
  private let fixture: StoreFixture
  private let commits = CommitRecorder()
  private let repository: SQLiteSessionRepository

  init() throws {
    fixture = try StoreFixture()
    repository = try fixture.open(commits: commits)
  }

  /// The time that a session's row has.
  private func storedTime(_ id: SessionID) async throws -> Timestamp? {
    try await repository.readers.read { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in try SessionLookup.find(id, in: database)?.lastActivityTime }
    }
  }

  /// A session that has acknowledged nothing a second after it was made.
  private func createActive(_ name: String = "a") async throws -> (before: Session, now: Timestamp) {
    let id = try await repository.createReceiver(name)
    let before = try await repository.session(id)
    fixture.clock.advance(by: .seconds(1))
    _ = try await repository.acknowledge(id, messageIDs: [], error: "")
    return (before, fixture.clock.now())
  }

  @Test func `It is read at once, and told once a batch`() async throws {
    let (before, now) = try await createActive()
    var expected = before
    expected.lastActivityTime = now
    #expect(try await repository.session(before.id) == expected)
    #expect(try await storedTime(before.id) == before.lastActivityTime)
    let commit = try #require(commits.all.last)
    #expect(commit.active == [before.id] && commit.sessions.isEmpty && commit.events.isEmpty)
    #expect(commit.sequence == before.revision)
    await repository.close()
  }

  @Test func `It is in the file after the interval, and not before`() async throws {
    let (before, now) = try await createActive()
    fixture.monotonicClock.advance(by: .milliseconds(9_999))
    _ = try await repository.create("any")
    #expect(try await storedTime(before.id) == before.lastActivityTime)
    fixture.monotonicClock.advance(by: .milliseconds(1))
    _ = try await repository.create("other")
    #expect(try await storedTime(before.id) == now)
    #expect(repository.activityTimes.isEmpty)
    await repository.close()
  }

  @Test func `Lists, searches and snapshots have it`() async throws {
    let (first, now) = try await createActive("first")
    _ = try await repository.createReceiver("second")
    fixture.clock.advance(by: .seconds(1))
    _ = try await repository.acknowledge(first.id, messageIDs: [], error: "")
    #expect(try await repository.search("", limit: 0).map(\.name) == ["first", "second"])
    fixture.clock.advance(by: .seconds(1))
    _ = try await repository.acknowledge(first.id, messageIDs: [], error: "")
    var query = SessionQuery()
    query.condition = try Condition.parse(
      "lastActivity > ?", parameters: [.number(Double(now.microseconds / 1000 + 1500))])
    #expect(try await repository.list(query).sessions.map(\.id) == [first.id])
    fixture.clock.advance(by: .seconds(1))
    _ = try await repository.acknowledge(first.id, messageIDs: [], error: "")
    let snapshot = try await repository.openSnapshot(EventFilter(sessionIDs: [first.id]))
    #expect(try await snapshot.next()?.map(\.lastActivityTime) == [fixture.clock.now()])
    await snapshot.close()
    await repository.close()
  }

  @Test func `A change that is no activity does not take it back`() async throws {
    let (before, now) = try await createActive()
    fixture.clock.advance(by: .seconds(1))
    let registered = try await repository.register(before.id, RegistrationDraft())
    #expect(registered.lastActivityTime == now)
    #expect(try await storedTime(before.id) == now && repository.activityTimes.isEmpty)
    await repository.close()
  }

  @Test func `Closing keeps all of it`() async throws {
    let ids = try await repository.createAll(1100).map { try $0.get().id }
    fixture.clock.advance(by: .seconds(1))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for id in ids { group.addTask { _ = try await repository.acknowledge(id, messageIDs: [], error: "") } }
      try await group.waitForAll()
    }
    await repository.close()
    let again = try fixture.open()
    for id in ids { #expect(try await again.session(id).lastActivityTime == fixture.clock.now()) }
    await again.close()
  }

  @Test func `What was deleted leaves nothing behind`() async throws {
    let (session, _) = try await createActive()
    _ = try await repository.delete(session.id, force: true, allowMissing: false, expectedRevision: nil)
    #expect(repository.activityTimes.isEmpty)
    await repository.close()
  }

  @Test func `A change that fails was no activity`() async throws {
    let id = try await repository.createReceiver()
    let before = try await repository.session(id)
    fixture.clock.advance(by: .seconds(1))
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit { (writer) throws(SessionError) -> Void in
        _ = try writer.acknowledge(id, [], error: "")
        throw .pageTokenInvalid
      }
    }
    #expect(try await repository.session(id) == before)
    await repository.close()
  }
}
