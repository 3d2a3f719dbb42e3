import RepositoryConformance
import SessionDomain
import Synchronization
import Testing

@testable import SessionStore

/// Holds the committer's thread in its next commit until told to go on, so that changes gather.
private final class Gate: CommitObserver {
  private let recorder = CommitRecorder()
  private let gate = Mutex(false)
  let reached = Latch()
  private let queue = WorkQueue<Void>(capacity: 1)

  var commits: [Commit] { recorder.all }

  func committed(_ commit: Commit) {
    recorder.committed(commit)
    guard
      gate.withLock({ isShut in
        defer { isShut = false }
        return isShut
      })
    else { return }
    reached.open()
    _ = queue.take(max: 1, patience: .seconds(20))
  }

  func shut() { gate.withLock { $0 = true } }

  func open() { _ = queue.submit(()) }
}

@Suite struct CommitTests {
  @Test func `Changes that wait together are committed together`() async throws {
    let fixture = try StoreFixture()
    let gate = Gate()
    let repository = try fixture.open(gate: gate)
    gate.shut()
    async let first = repository.create("first")
    await gate.reached.wait()
    try await withThrowingTaskGroup(of: Session.self) { group in
      for number in 0..<40 { group.addTask { try await repository.create("s\(number)") } }
      try await repository.waitForChanges(40)
      gate.open()
      for try await session in group { #expect(session.revision > 1) }
    }
    _ = try await first
    #expect(gate.commits.map(\.events.count) == [0, 1, 40])
    #expect(gate.commits.last?.sessions.count == 40)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `A refused change among many takes nothing of the others along`() async throws {
    let fixture = try StoreFixture()
    let gate = Gate()
    let repository = try fixture.open(gate: gate)
    let session = try await repository.create("a")
    gate.shut()
    async let held = repository.create("held")
    await gate.reached.wait()
    let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<30 {
        group.addTask {
          do throws(SessionError) {
            _ = try await repository.update(
              session.id, .move(to: .completed, reason: "\(number)"), expectedRevision: nil)
            return true
          } catch {
            #expect(error == .illegalTransition(from: .initializing, to: .completed, allowed: [.active, .error]))
            return false
          }
        }
        group.addTask {
          _ = try await repository.create("s\(number)")
          return true
        }
      }
      try await repository.waitForChanges(60)
      gate.open()
      return try await group.reduce(0) { $1 ? $0 + 1 : $0 }
    }
    _ = try await held
    #expect(outcomes == 30)
    #expect(gate.commits.last?.events.map(\.sequence) == Array(3...32))
    #expect(try await repository.session(session.id) == session)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `A change that fails halfway leaves nothing behind`() async throws {
    let fixture = try StoreFixture()
    let commits = CommitRecorder()
    let repository = try fixture.open(commits: commits)
    let draft = SessionDraft(type: .director, name: "half", workspace: "/")
    let new = try #require(draft.check().value)
    let before = try await repository.create("before")
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit { (writer) throws(SessionError) -> Session in
        _ = try writer.create(new, request: RequestKey(method: "Create", requestID: "r", bodyDigest: []))
        _ = try writer.delete(before.id, force: true, allowMissing: false, expectedRevision: nil)
        throw .pageTokenInvalid
      }
    }
    #expect(try await repository.list(SessionQuery()).sessions == [before])
    #expect(try await repository.create("after").revision == 2)
    #expect(commits.events.map(\.sequence) == [1, 2])
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `More changes than may wait are refused at once`() async throws {
    let fixture = try StoreFixture()
    let gate = Gate()
    let repository = try fixture.open(gate: gate) { $0.waitingChangesMax = 2 }
    gate.shut()
    async let first = repository.create("first")
    await gate.reached.wait()
    async let second = repository.create("second")
    async let third = repository.create("third")
    try await repository.waitForChanges(2)
    await #expect(throws: SessionError.overloaded) { try await repository.create("fourth") }
    gate.open()
    _ = try await (first, second, third)
    #expect(try await repository.sequences() == (1, 3))
    await repository.close()
  }

  @Test func `A closed store refuses, after finishing what it had taken`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let sessions = try await withThrowingTaskGroup(of: Session.self) { group in
      for number in 0..<20 { group.addTask { try await repository.create("s\(number)") } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await repository.close()
    await #expect(throws: SessionError.closed) { try await repository.create("late") }
    await #expect(throws: SessionError.closed) { try await repository.session(sessions[0].id) }
    await #expect(throws: SessionError.closed) { try await repository.openSnapshot(EventFilter()) }
  }
}

extension StoreFixture {
  fileprivate func open(
    gate: Gate, _ change: (inout SessionStoreSettings) -> Void = { _ in }
  ) throws(StoreOpenError) -> SQLiteSessionRepository {
    var settings = SessionStoreSettings(path: path)
    settings.maxSessions = 100_000
    change(&settings)
    return try SQLiteSessionRepository(
      settings: settings, clock: clock, idGenerator: MonotonicIDGenerator(clock: clock), observer: gate)
  }
}
