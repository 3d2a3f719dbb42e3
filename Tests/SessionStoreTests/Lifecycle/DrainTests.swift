import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// Graceful shutdowns of sessions with messages.
@Suite(.timeLimit(.minutes(5))) struct DrainTests {
  private let fixture: StoreFixture
  private let queues = ManualQueues()
  private let repository: SQLiteSessionRepository

  init() throws {
    fixture = try StoreFixture()
    repository = try fixture.open(queues: queues)
  }

  @Test func `A session with messages takes no new ones, and ends when the last has gone`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id] = .init(waiting: 2, inDelivery: 1)
    let shutdown = Task { try await repository.shutDown(session.id, GracefulShutdown(reason: "done")) }
    await fixture.monotonicClock.waitForSleeper()
    let draining = try await repository.session(session.id)
    #expect(draining.registration?.isDraining == true && draining.status == .active)
    try await repository.settle(session.id, in: queues, inDelivery: 1)
    try await repository.settle(session.id, in: queues, waiting: 1)
    #expect(try await repository.session(session.id).status == .active)
    try await repository.settle(session.id, in: queues, waiting: 1)
    let ended = try await shutdown.value
    #expect(ended.status == .terminated && ended.statusReason == "done" && ended.registration == nil)
    let events = try await repository.history(after: session.revision)
    #expect(events.map(\.kind) == [.updated, .statusChanged, .terminated, .deregistered])
    #expect(events.first?.changedFields == ["registration"])
    await repository.close()
  }

  @Test func `At the timeout the session stays draining, and a repeat goes on`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id] = .init(waiting: 2, inDelivery: 1)
    let first = Task { try await repository.shutDown(session.id, GracefulShutdown()) }
    await fixture.monotonicClock.waitForSleeper()
    try await repository.settle(session.id, in: queues, waiting: 1)
    fixture.monotonicClock.advance(by: .milliseconds(29_999))
    #expect(try await repository.session(session.id).status == .active)
    fixture.monotonicClock.advance(by: .milliseconds(1))
    await #expect(throws: SessionError.drainTimeout(pendingCount: 2)) { try await first.value }
    let draining = try await repository.session(session.id)
    #expect(draining.registration?.isDraining == true && draining.status == .active)
    // Without any time, a shutdown looks once.
    await #expect(throws: SessionError.drainTimeout(pendingCount: 2)) {
      try await repository.shutDown(session.id, GracefulShutdown(timeout: .zero))
    }
    #expect(try await repository.session(session.id) == draining)
    let second = Task { try await repository.shutDown(session.id, GracefulShutdown()) }
    await fixture.monotonicClock.waitForSleeper()
    try await repository.settle(session.id, in: queues, waiting: 1, inDelivery: 1)
    #expect(try await second.value.status == .terminated)
    #expect(try await repository.history(after: session.revision).filter { $0.kind == .updated }.count == 1)
    await repository.close()
  }

  @Test func `A force ends what is draining, and the waiting shutdown with it`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id] = .init(waiting: 2, inDelivery: 1)
    let graceful = Task { try await repository.shutDown(session.id, GracefulShutdown()) }
    await fixture.monotonicClock.waitForSleeper()
    let forced = try await repository.forceShutDown(session.id, reason: "now", cascade: false)
    #expect(forced.deadLetteredCount == 3 && forced.session.statusReason == "now")
    #expect(try await graceful.value == forced.session)
    #expect(queues[session.id].discardReasons == ["now"])
    await repository.close()
  }

  @Test func `A session that is deleted while it drains is not found`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id].waiting = 1
    let graceful = Task { try await repository.shutDown(session.id, GracefulShutdown()) }
    await fixture.monotonicClock.waitForSleeper()
    _ = try await repository.delete(session.id, force: true, allowMissing: false, expectedRevision: nil)
    await #expect(throws: SessionError.notFound(session.id)) { try await graceful.value }
    await repository.close()
  }

  @Test func `A caller that leaves waits no longer, and leaves the session draining`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id].waiting = 1
    let graceful = Task { try await repository.shutDown(session.id, GracefulShutdown()) }
    await fixture.monotonicClock.waitForSleeper()
    graceful.cancel()
    await #expect(throws: SessionError.cancelled) { try await graceful.value }
    #expect(try await repository.session(session.id).registration?.isDraining == true)
    await repository.close()
  }

  @Test func `A cascade lets those below finish before it touches what is above them`() async throws {
    let top = try await repository.createRegistered("top")
    let left = try await repository.createRegistered("left", under: top.id)
    let right = try await repository.createRegistered("right", under: top.id)
    let lower = try await repository.createRegistered("lower", under: left.id)
    for id in [top.id, right.id, lower.id] { queues[id].waiting = 1 }
    let shutdown = Task { try await repository.shutDown(top.id, GracefulShutdown(cascade: true)) }
    await fixture.monotonicClock.waitForSleeper()
    func isDraining(_ id: SessionID) async throws -> Bool? { try await repository.session(id).registration?.isDraining }
    // The deepest and the one beside its parent drain at once; a parent still takes what its children say.
    #expect(try await isDraining(lower.id) == true)
    #expect(try await isDraining(right.id) == true)
    #expect(try await isDraining(left.id) == false)
    #expect(try await isDraining(top.id) == false)
    try await repository.settle(lower.id, in: queues, waiting: 1)
    // Any call is applied after the shutdown's next look, which was woken by the commit before.
    fixture.monotonicClock.advance(by: .seconds(30))
    await #expect(throws: SessionError.drainTimeout(pendingCount: 1)) { try await shutdown.value }
    #expect(try await repository.session(lower.id).status == .terminated)
    #expect(try await repository.session(left.id).status == .terminated)
    #expect(try await isDraining(right.id) == true)
    #expect(try await isDraining(top.id) == false)
    let again = Task { try await repository.shutDown(top.id, GracefulShutdown(cascade: true)) }
    await fixture.monotonicClock.waitForSleeper()
    try await repository.settle(right.id, in: queues, waiting: 1)
    try await repository.settle(top.id, in: queues, waiting: 1)
    #expect(try await again.value.status == .terminated)
    let ends = try await repository.history(after: lower.revision).filter { $0.kind == .terminated }
    #expect(ends.map(\.sessionID) == [lower.id, left.id, right.id, top.id])
    await repository.close()
  }

  @Test func `The time of a cascade is one for all`() async throws {
    let top = try await repository.createRegistered("top")
    let lower = try await repository.createRegistered("lower", under: top.id)
    for id in [top.id, lower.id] { queues[id].waiting = 1 }
    let shutdown = Task { try await repository.shutDown(top.id, GracefulShutdown(cascade: true)) }
    await fixture.monotonicClock.waitForSleeper()
    fixture.monotonicClock.advance(by: .seconds(29))
    try await repository.settle(lower.id, in: queues, waiting: 1)
    fixture.monotonicClock.advance(by: .seconds(1))
    await #expect(throws: SessionError.drainTimeout(pendingCount: 1)) { try await shutdown.value }
    #expect(try await repository.session(lower.id).status == .terminated)
    #expect(try await repository.session(top.id).registration?.isDraining == true)
    await repository.close()
  }

  @Test func `Whatever ends a session sends its messages to the dead letters, with the reason`() async throws {
    var ids: [SessionID] = []
    for number in 0..<6 { ids.append(try await repository.createRegistered("s\(number)").id) }
    for id in ids { queues[id] = .init(waiting: 1, inDelivery: 1) }
    let done = SessionChange.move(to: .completed, reason: "all done")
    try await repository.update(ids[0], done, expectedRevision: nil).expect(.completed)
    _ = try await repository.delete(ids[1], force: true, allowMissing: false, expectedRevision: nil)
    try await repository.update(ids[2], .move(to: .terminated), expectedRevision: nil).expect(.terminated)
    let migration = Migration(workspace: "/new", preservesState: false)
    queues[ids[3]].inDelivery = 0
    try await repository.migrate(ids[3], migration).expect(.active)
    for _ in 0..<2 {
      fixture.monotonicClock.advance(by: .seconds(300))
      // Idle sessions that are not to end have something to do.
      try await repository.start(ids[5]).expect(.active)
    }
    queues[ids[5]] = .init(waiting: 5, inDelivery: 0)
    _ = try await repository.shutDownAll(reason: "fire")
    #expect(
      ids.map { queues[$0].discardReasons }
        == [["all done"], ["forced"], [""], ["migrated", "inactivity timeout"], ["inactivity timeout"], ["fire"]])
    // An error is not the end: the messages may yet be taken.
    let failed = try await repository.createRegistered("failed")
    queues[failed.id].waiting = 1
    try await repository.update(failed.id, .move(to: .error), expectedRevision: nil).expect(.error)
    #expect(queues[failed.id].discardReasons == [])
    await repository.close()
  }

  @Test func `A forced cascade counts the messages of all`() async throws {
    let top = try await repository.createRegistered("top")
    let lower = try await repository.createRegistered("lower", under: top.id)
    queues[top.id].waiting = 3
    queues[lower.id] = .init(waiting: 1, inDelivery: 2)
    #expect(try await repository.forceShutDown(top.id, reason: "", cascade: true).deadLetteredCount == 6)
    await repository.close()
  }
}

extension Session {
  fileprivate func expect(_ status: SessionStatus) { #expect(self.status == status) }
}
