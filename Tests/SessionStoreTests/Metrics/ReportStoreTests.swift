import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// Reports on their way to the file.
@Suite(.timeLimit(.minutes(5))) struct ReportStoreTests {
  private func report(
    _ id: SessionID, tasks: Int64 = 1, memory: Int64 = 0, to repository: SQLiteSessionRepository
  ) {
    let report = ActivityReport(sessionID: id, memoryUsageBytes: memory, tasksProcessed: tasks)
    #expect(repository.report(report) == .accepted)
  }

  @Test func `What was reported is there when the file is opened again, and the window begins afresh`() async throws {
    let fixture = try StoreFixture()
    let before = try fixture.open()
    let session = try await before.createRegistered("a")
    let report = ActivityReport(
      sessionID: session.id, memoryUsageBytes: 7, cpuUsage: 0.5, tasksProcessed: 10, tasksFailed: 10)
    #expect(before.report(report) == .accepted)
    // Nobody asked for it to be kept; closing does.
    await before.close()
    let after = try fixture.open()
    let metrics = try await after.metrics(of: session.id)
    #expect(metrics.processed.tasks == 10 && metrics.usage == ResourceUsage(memoryBytes: 7, cpu: 0.5))
    #expect(metrics.errorRate == 0 && metrics.throughput == 0)
    #expect(try await after.stats().tasksProcessed == 10)
    #expect(try await after.health(of: session.id).usage.memoryBytes == 7)
    self.report(session.id, to: after)
    #expect(try await after.metrics(of: session.id).processed.tasks == 11)
    #expect(try await after.inconsistencies() == [])
    await after.close()
  }

  @Test func `Who had finished takes no reports when the file is opened again`() async throws {
    let fixture = try StoreFixture()
    let before = try fixture.open()
    let (finished, failed) = (try await before.createRegistered("a"), try await before.createRegistered("b"))
    _ = try await before.forceShutDown(finished.id, reason: "", cascade: false)
    _ = try await before.update(failed.id, .move(to: .error, reason: ""), expectedRevision: nil)
    await before.close()
    let after = try fixture.open()
    #expect(after.report(ActivityReport(sessionID: finished.id)) == .unknown)
    report(failed.id, to: after)
    await after.close()
  }

  @Test func `What could not be kept is kept later, once`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    var ids: [SessionID] = []
    for name in ["a", "b", "c"] { ids.append(try await repository.createRegistered(name).id) }
    for id in ids { report(id, to: repository) }
    try await repository.onCommitter { [ids] (writer) throws(StorageFailure) in
      try writer.database.execute(
        """
        CREATE TEMP TRIGGER refuse BEFORE INSERT ON session_metrics WHEN NEW.session_id = '\(ids[1])'
        BEGIN SELECT RAISE(ABORT, 'refused'); END
        """)
    }
    await #expect(throws: SessionError.self) { try await repository.keepReports() }
    await #expect(throws: SessionError.self) { try await repository.stats() }
    for id in ids { report(id, to: repository) }
    fixture.monotonicClock.advance(by: .seconds(10))
    _ = try await repository.create("the interval is over, and other changes are made")
    try await repository.onCommitter { (writer) throws(StorageFailure) in
      try writer.database.execute("DROP TRIGGER refuse")
    }
    try await repository.keepReports()
    #expect(try await repository.stats().tasksProcessed == 6)
    for id in ids { #expect(try await repository.metrics(of: id).processed.tasks == 2) }
    #expect(repository.meters.waiting.count == 0 && repository.meters.waiting.failures > 0)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `A change that fails later in its batch takes nothing of the reports along`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.createRegistered("a")
    report(session.id, to: repository)
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit { (writer) throws(SessionError) -> Void in
        _ = try writer.delete(session.id, force: true, allowMissing: false, expectedRevision: nil)
        throw .pageTokenInvalid
      }
    }
    report(session.id, to: repository)
    #expect(try await repository.stats().tasksProcessed == 2)
    #expect(try await repository.metrics(of: session.id).processed.tasks == 2)
    await repository.close()
  }

  @Test func `What was accepted while its session was being deleted counts`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.createRegistered("a")
    try await repository.committer.submit { (writer) throws(SessionError) in
      _ = try writer.delete(session.id, force: true, allowMissing: false, expectedRevision: nil)
      // On any other thread, after the change and before its commit.
      report(session.id, tasks: 5, to: repository)
      // What else the commit keeps does not make it a row again.
      try storing { () throws(StorageFailure) in try writer.keepReports(max: .max) }
      report(session.id, tasks: 2, to: repository)
    }
    #expect(repository.report(ActivityReport(sessionID: session.id)) == .unknown)
    // Once, however often it is asked for.
    for _ in 0..<2 { #expect(try await repository.stats().tasksProcessed == 7) }
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `Sessions that finished leave memory when the window is over`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    var ids: [SessionID] = []
    for number in 0..<20 { ids.append(try await repository.createRegistered("s\(number)").id) }
    for id in ids { report(id, to: repository) }
    for id in ids[..<10] { _ = try await repository.forceShutDown(id, reason: "", cascade: false) }
    _ = try await repository.delete(ids[10], force: true, allowMissing: false, expectedRevision: nil)
    #expect(repository.meters.count == 19)
    for id in ids[11...] { report(id, to: repository) }
    fixture.monotonicClock.advance(by: .seconds(60))
    _ = try await repository.create("looks at the clock")
    _ = try await repository.create("and again, when all is kept")
    #expect(repository.meters.count == 9)
    #expect(try await repository.stats().tasksProcessed == 29)
    await repository.close()
  }

  @Test func `What one commit has left of many reports goes with the next`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let ids = try await repository.createAll(1100).map { try $0.get().id }
    for id in ids { report(id, to: repository) }
    fixture.monotonicClock.advance(by: .seconds(10))
    for name in ["the interval is over", "and has been for the rest"] { _ = try await repository.create(name) }
    #expect(repository.meters.waiting.count == 0)
    await repository.close()
  }

  @Test func `Without any change the store keeps reports by itself, and in batches`() async throws {
    let fixture = try StoreFixture()
    let commits = CommitRecorder()
    var settings = SessionStoreSettings(path: fixture.path)
    settings.maxSessions = 10_000
    settings.metricsInterval = .milliseconds(50)
    let repository = try SQLiteSessionRepository(
      settings: settings, clock: fixture.clock, idGenerator: MonotonicIDGenerator(clock: fixture.clock),
      observer: commits)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<2500 {
        group.addTask { report(try await repository.create("s\(number)").id, to: repository) }
      }
      try await group.waitForAll()
    }
    let deadline = ContinuousClock.now + .seconds(30)
    while commits.all.reduce(0, { $0 + $1.active.count }) < 2500 {
      guard ContinuousClock.now < deadline else { throw DeadlinePassed() }
      await Task.yield()
    }
    #expect(commits.all.allSatisfy { $0.active.count <= 1024 })
    await repository.close()
  }
}

/// What a message bus tells of messages.
@Suite(.timeLimit(.minutes(5))) struct MessageMetricsTests {
  @Test func `Acknowledged messages count with their commit, and not without it`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.createRegistered("a")
    try await repository.onCommitter { (writer) throws(StorageFailure) in
      try writer.noteAcknowledgements(of: session.id, failed: true, responseTimes: [.milliseconds(1)])
      try writer.noteAcknowledgements(
        of: session.id, failed: false, responseTimes: (2...10).map { .milliseconds($0) })
    }
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit { (writer) throws(SessionError) -> Void in
        try storing { () throws(StorageFailure) in
          try writer.noteAcknowledgements(of: session.id, failed: true, responseTimes: [.seconds(1)])
        }
        throw .pageTokenInvalid
      }
    }
    #expect(repository.report(ActivityReport(sessionID: session.id, tasksProcessed: 10)) == .accepted)
    let metrics = try await repository.metrics(of: session.id)
    #expect(metrics.processed == ProcessedCounts(messages: 10, tasks: 10))
    #expect(metrics.errorRate == 0.05 && metrics.averageResponseTime == 5.5 && metrics.p99 == 10)
    #expect((20.0 / 60...20.0 / 54).contains(metrics.throughput))
    #expect(try await repository.stats().tasksProcessed == 10)
    await repository.close()
  }

  @Test func `Messages say nothing of what a session uses`() async throws {
    let fixture = try StoreFixture()
    let before = try fixture.open()
    let session = try await before.createRegistered("a")
    #expect(before.report(ActivityReport(sessionID: session.id, memoryUsageBytes: 7)) == .accepted)
    await before.close()
    let after = try fixture.open()
    try await after.onCommitter { (writer) throws(StorageFailure) in
      try writer.noteAcknowledgements(of: session.id, failed: false, responseTimes: [.zero])
    }
    #expect(try await after.metrics(of: session.id).usage.memoryBytes == 7)
    await after.close()
  }

  @Test func `The queue's depth is what the bus holds`() async throws {
    let fixture = try StoreFixture()
    let queues = ManualQueues()
    let repository = try fixture.open(queues: queues)
    let session = try await repository.createRegistered("a")
    queues[session.id].waiting = 600
    queues[session.id].inDelivery = 150
    let health = try await repository.health(of: session.id)
    #expect(health.queuedMessages == 750 && health.status == .degraded)
    #expect(health.reasons == ["queue 0.75 is over 0.7 (750 of 1000 messages)"])
    await repository.close()
  }
}
