import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// Migrations of sessions with messages in delivery.
@Suite(.timeLimit(.minutes(5))) struct MigrationWaitTests {
  private let fixture: StoreFixture
  private let queues = ManualQueues()
  private let repository: SQLiteSessionRepository

  init() throws {
    fixture = try StoreFixture()
    repository = try fixture.open(queues: queues)
  }

  private func migrate(_ session: Session, preservesState: Bool) -> Task<Session, any Error> {
    let migration = Migration(workspace: "/new", preservesState: preservesState)
    return Task { try await repository.migrate(session.id, migration) }
  }

  @Test(arguments: [true, false])
  func `A migration pauses deliveries, waits for those in delivery, and then moves`(_ preserves: Bool) async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id] = .init(waiting: 3, inDelivery: 2)
    let migration = migrate(session, preservesState: preserves)
    await fixture.monotonicClock.waitForSleeper()
    #expect(queues[session.id].pauses == 1)
    #expect(try await repository.session(session.id) == session)
    try await repository.settle(session.id, in: queues, inDelivery: 2)
    let moved = try await migration.value
    #expect(moved.workspace == "/new" && (moved.registration != nil) == preserves)
    #expect(queues[session.id].pauses == 0 && queues[session.id].waiting == (preserves ? 3 : 0))
    #expect(queues[session.id].discardReasons == (preserves ? [] : ["migrated"]))
    await repository.close()
  }

  @Test func `At the timeout nothing has changed`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id] = .init(waiting: 3, inDelivery: 2)
    let migration = migrate(session, preservesState: false)
    await fixture.monotonicClock.waitForSleeper()
    try await repository.settle(session.id, in: queues, inDelivery: 1)
    fixture.monotonicClock.advance(by: .seconds(60))
    await #expect(throws: SessionError.migrationTimeout(inDeliveryCount: 1)) { try await migration.value }
    #expect(try await repository.session(session.id) == session)
    #expect(queues[session.id] == .init(waiting: 3, inDelivery: 1))
    #expect(try await repository.sequences().newest == session.revision)
    await repository.close()
  }

  @Test func `A session that ends meanwhile does not migrate`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id].inDelivery = 1
    let migration = migrate(session, preservesState: true)
    await fixture.monotonicClock.waitForSleeper()
    _ = try await repository.forceShutDown(session.id, reason: "", cascade: false)
    await #expect(throws: SessionError.illegalTransition(from: .terminated, to: .active, allowed: [])) {
      try await migration.value
    }
    #expect(queues[session.id].pauses == 0)
    await repository.close()
  }

  @Test func `A migration that keeps no messages lets a shutdown end that waits for them`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id].waiting = 3
    async let shutdown = repository.shutDown(session.id, GracefulShutdown())
    await fixture.monotonicClock.waitForSleeper()
    #expect(try await migrate(session, preservesState: false).value.workspace == "/new")
    // Without any time passing.
    let ended = try await shutdown
    #expect(ended.status == .terminated)
    await repository.close()
  }

  @Test func `A caller that leaves waits no longer`() async throws {
    let session = try await repository.createRegistered("a")
    queues[session.id].inDelivery = 1
    let migration = migrate(session, preservesState: true)
    await fixture.monotonicClock.waitForSleeper()
    migration.cancel()
    await #expect(throws: SessionError.cancelled) { try await migration.value }
    #expect(queues[session.id].pauses == 0)
    #expect(try await repository.session(session.id) == session)
    await repository.close()
  }
}
