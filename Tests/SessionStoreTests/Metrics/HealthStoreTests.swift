import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

extension SQLiteSessionRepository {
  /// Lets the committer do what is due.
  fileprivate func nudge() async throws(SessionError) { try await onCommitter { _ in } }

  fileprivate func execute(_ statements: String) async throws(SessionError) {
    try await onCommitter { (writer) throws(StorageFailure) in try writer.database.execute(statements) }
  }

  fileprivate func healthChanges() async throws -> [HealthChange] {
    try await history(after: 0).filter { $0.kind == .healthChanged }.map { HealthChange($0.sessionID, $0.newHealth) }
  }

  fileprivate func use(_ id: SessionID, memory: Int64, tasks: Int64 = 0, failed: Int64 = 0) {
    let report = ActivityReport(
      sessionID: id, memoryUsageBytes: memory, tasksProcessed: tasks, tasksFailed: failed)
    #expect(self.report(report) == .accepted)
  }
}

private struct HealthChange: Hashable {
  let id: SessionID
  let health: String?

  init(_ id: SessionID, _ health: String?) { (self.id, self.health) = (id, health) }
}

/// Looks at health.
@Suite(.timeLimit(.minutes(5))) struct HealthStoreTests {
  @Test func `A restart remembers how well sessions were`() async throws {
    let fixture = try StoreFixture()
    let before = try fixture.open()
    let session = try await before.create("a")
    _ = try await before.update(session.id, .move(to: .error, reason: ""), expectedRevision: nil)
    fixture.monotonicClock.advance(by: .seconds(30))
    _ = try await before.create("b")
    let events = try await before.history(after: 0).filter { $0.kind == .healthChanged }
    #expect(events.map(\.newHealth) == ["unhealthy"])
    await before.close()
    let after = try fixture.open()
    fixture.monotonicClock.advance(by: .seconds(30))
    _ = try await after.create("c")
    #expect(try await after.history(after: 0).filter { $0.kind == .healthChanged } == events)
    #expect(try await after.inconsistencies() == [])
    await after.close()
  }

  @Test func `Without any change the store looks by itself`() async throws {
    let fixture = try StoreFixture()
    let commits = CommitRecorder()
    var settings = SessionStoreSettings(path: fixture.path)
    settings.healthCheckInterval = .milliseconds(50)
    let repository = try SQLiteSessionRepository(
      settings: settings, clock: fixture.clock, idGenerator: MonotonicIDGenerator(clock: fixture.clock),
      observer: commits)
    let session = try await repository.create("a")
    _ = try await repository.update(session.id, .move(to: .error, reason: ""), expectedRevision: nil)
    let deadline = ContinuousClock.now + .seconds(30)
    while !commits.events.contains(where: { $0.kind == .healthChanged }) {
      guard ContinuousClock.now < deadline else { throw DeadlinePassed() }
      await Task.yield()
    }
    await repository.close()
  }

  @Test func `A look comes to sessions whose health can have changed, and to no others`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open {
      $0.sessionTimeout = .zero
      $0.metricsWindow = .seconds(45)
    }
    var count = 0
    /// How many sessions the next look comes to.
    func looked() async throws -> Int {
      fixture.monotonicClock.advance(by: .seconds(30))
      try await repository.nudge()
      defer { count = repository.figures.commits.lookedAt }
      return repository.figures.commits.lookedAt - count
    }
    let receiver = try await repository.createReceiver()
    let other = try await repository.create("other").id
    for number in 0..<100 { _ = try await repository.create("s\(number)") }
    #expect(try await looked() == 102)
    #expect(try await looked() == 0)
    // What was processed stays in the window for the next look, and is out of it at the one after that.
    repository.use(receiver, memory: 1, tasks: 1)
    #expect(try await looked() == 1)
    #expect(try await looked() == 1)
    #expect(try await looked() == 0)
    repository.use(receiver, memory: 1)
    #expect(try await looked() == 1)
    try await repository.send("a", to: receiver)
    #expect(try await looked() == 1)
    #expect(try await looked() == 0)
    _ = try await repository.update(other, .move(to: .active), expectedRevision: nil)
    #expect(try await looked() == 1)
    _ = try await repository.update(other, .move(to: .completed), expectedRevision: nil)
    #expect(try await looked() == 0)
    await repository.close()
  }

  @Test func `Who is without activity is looked at when that makes a difference`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open { $0.healthThresholds.inactivity = .init(degraded: 0.2, unhealthy: 0.5) }
    func pass(_ seconds: Int) async throws -> Int {
      let count = repository.figures.commits.lookedAt
      for _ in 0..<seconds / 30 {
        fixture.monotonicClock.advance(by: .seconds(30))
        try await repository.nudge()
      }
      return repository.figures.commits.lookedAt - count
    }
    let idle = try await repository.createReceiver("idle")
    let busy = try await repository.createReceiver("busy")
    // Of 300 seconds: first as new ones, then after 60, and after 150; not yet when it is just that long.
    #expect(try await pass(30) == 2)
    #expect(try await pass(30) == 0)
    repository.use(busy, memory: 1)
    #expect(try await pass(30) == 2)
    #expect(try await repository.healthChanges() == [HealthChange(idle, "degraded")])
    repository.use(busy, memory: 1)
    #expect(try await pass(60) == 1)
    #expect(try await pass(30) == 2)
    #expect(
      try await repository.healthChanges().dropFirst() == [
        HealthChange(idle, "unhealthy"), HealthChange(busy, "degraded"),
      ])
    // Activity makes them well, and the time begins anew.
    repository.use(idle, memory: 1)
    #expect(try await pass(30) == 1)
    #expect(try await repository.healthChanges().last == HealthChange(idle, "healthy"))
    #expect(try await pass(60) == 2)
    #expect(
      try await repository.healthChanges().suffix(2)
        == [HealthChange(busy, "unhealthy"), HealthChange(idle, "degraded")]
        .sorted { $0.id < $1.id })
    await repository.close()
  }

  @Test func `Activity that changes nothing else makes well at the next look`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let sender = try await repository.createReceiver("sender")
    let receiver = try await repository.createReceiver("receiver", constraints: ["timeout:0"])
    fixture.monotonicClock.advance(by: .seconds(180))
    try await repository.nudge()
    var draft = MessageDraft(type: "COMMAND")
    (draft.senderID, draft.receiverID) = (sender.description, receiver.description)
    _ = try await repository.send(draft, request: nil)
    fixture.monotonicClock.advance(by: .seconds(30))
    try await repository.nudge()
    #expect(
      try await repository.healthChanges() == [HealthChange(sender, "degraded"), HealthChange(sender, "healthy")])
    await repository.close()
  }

  @Test func `The first look comes to all who may not be as the file says`() async throws {
    let fixture = try StoreFixture()
    let before = try fixture.open { $0.sessionTimeout = .zero }
    var ids: [SessionID] = []
    for name in ["well", "failing", "failed", "greedy"] { ids.append(try await before.createRegistered(name).id) }
    ids.append(try await before.createReceiver("full", constraints: ["max-queue:1"]))
    before.use(ids[1], memory: 0, tasks: 10, failed: 10)
    // Who has finished is looked at no more, whatever it reported.
    let done = try await before.createRegistered("done").id
    before.use(done, memory: 95)
    _ = try await before.update(done, .move(to: .completed), expectedRevision: nil)
    fixture.monotonicClock.advance(by: .seconds(30))
    try await before.nudge()
    #expect(try await before.healthChanges() == [HealthChange(ids[1], "unhealthy")])
    // All this comes after the look.
    _ = try await before.update(ids[2], .move(to: .error), expectedRevision: nil)
    var limited = SessionDraft(type: nil, name: "", workspace: "")
    limited.constraints = ["max-memory:100"]
    _ = try await before.update(
      ids[3], SessionChange(values: limited, mask: ["constraints"]), expectedRevision: nil)
    before.use(ids[3], memory: 95)
    try await before.send("a", to: ids[4])
    await before.close()
    let after = try fixture.open { $0.sessionTimeout = .zero }
    fixture.monotonicClock.advance(by: .seconds(30))
    try await after.nudge()
    #expect(after.figures.commits.lookedAt == 4)
    #expect(
      try await after.healthChanges().dropFirst() == [
        HealthChange(ids[1], "healthy"), HealthChange(ids[2], "unhealthy"), HealthChange(ids[3], "degraded"),
        HealthChange(ids[4], "unhealthy"),
      ])
    await after.close()
  }

  @Test func `Who has finished or is gone is not kept for the next look`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let kept = try await repository.createReceiver("kept")
    for number in 0..<20 {
      let id = try await repository.createReceiver("s\(number)")
      repository.use(id, memory: 1)
      try await repository.send("a", to: id)
      _ = try await repository.update(id, .move(to: .completed), expectedRevision: nil)
      if number.isMultiple(of: 2) {
        _ = try await repository.delete(id, force: false, allowMissing: false, expectedRevision: nil)
      }
    }
    repository.use(kept, memory: 1)
    try await repository.onCommitter { (writer) in
      #expect(writer.healthAgenda.count == 1)
      let reported = (0..<Meters.partsCount).map { writer.meters.takeReported(in: $0) }
      #expect(reported.reduce([]) { $0 + Array($1) } == [kept])
    }
    await repository.close()
  }

  @Test func `Who moves as it is looked at was not without activity in its new status`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.create("a")
    // The look is due, and in the batch of the move.
    fixture.monotonicClock.advance(by: .seconds(200))
    _ = try await repository.update(session.id, .move(to: .active), expectedRevision: nil)
    fixture.monotonicClock.advance(by: .seconds(30))
    try await repository.nudge()
    #expect(repository.figures.commits.lookedAt == 2)
    #expect(try await repository.healthChanges() == [])
    await repository.close()
  }

  @Test func `A look of which nothing came is made again`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.create("a")
    _ = try await repository.update(session.id, .move(to: .error), expectedRevision: nil)
    try await repository.execute(
      "CREATE TEMP TRIGGER refuse BEFORE INSERT ON session_metrics BEGIN SELECT RAISE(ABORT, 'refused'); END")
    fixture.monotonicClock.advance(by: .seconds(30))
    try await repository.nudge()
    #expect(try await repository.healthChanges() == [])
    try await repository.execute("DROP TRIGGER refuse")
    fixture.monotonicClock.advance(by: .seconds(30))
    try await repository.nudge()
    #expect(try await repository.healthChanges() == [HealthChange(session.id, "unhealthy")])
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `A look that was made in a batch that was lost is made again`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.create("a")
    _ = try await repository.update(session.id, .move(to: .error), expectedRevision: nil)
    // Totals are written last.
    try await repository.execute(
      "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON totals BEGIN SELECT RAISE(ROLLBACK, 'refused'); END")
    fixture.monotonicClock.advance(by: .seconds(30))
    await #expect(throws: SessionError.self) { try await repository.nudge() }
    #expect(try await repository.healthChanges() == [])
    try await repository.execute("DROP TRIGGER refuse")
    fixture.monotonicClock.advance(by: .seconds(30))
    try await repository.nudge()
    #expect(try await repository.healthChanges() == [HealthChange(session.id, "unhealthy")])
    await repository.close()
  }
}
