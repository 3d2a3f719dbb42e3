import SessionDomain
import Testing

extension RepositoryFixture {
  fileprivate func use(_ id: SessionID, memory: Int64) {
    #expect(repository.report(ActivityReport(sessionID: id, memoryUsageBytes: memory)) == .accepted)
  }

  fileprivate func healthEvents() async throws -> [SessionEvent] {
    try await repository.history().filter { $0.kind == .healthChanged }
  }
}

extension RepositoryOptions {
  fileprivate static func looking(_ change: (inout RepositoryOptions) -> Void = { _ in }) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.enableHealthChecks = true
    change(&options)
    return options
  }
}

let healthCases = [
  ConformanceCase("Health has its details, and every reason with figure and threshold") { (fixture) async throws in
    let repository = fixture.repository
    let draft = BootstrapDraft(
      session: .named("a").with { $0.constraints = ["max-cpu:2"] }, resources: ResourceDraft(memory: "1000", cpu: "1"))
    let session = try await repository.bootstrap(draft, request: nil)
    fixture.clock.advance(by: .seconds(1))
    let report = ActivityReport(
      sessionID: session.id, memoryUsageBytes: 950, cpuUsage: 2.5, tasksProcessed: 10, tasksFailed: 3)
    #expect(repository.report(report) == .accepted)
    fixture.clock.advance(by: .seconds(1))
    let health = try await repository.health(of: session.id)
    #expect(health.status == .unhealthy)
    #expect(
      health.reasons == [
        "error rate 0.3 is over 0.25 (3 of 10 failed)",
        "memory used over the allocation 0.95 is over 0.9 (950 of 1000 bytes)",
        "cpu used over the allocation 2.5 is over 1 (2.5 of 1.0 cores)",
        "cpu used over max-cpu 1.25 is over 1 (2.5 of 2.0 cores)",
      ])
    #expect(health.uptime == .seconds(2) && health.usage == ResourceUsage(memoryBytes: 950, cpu: 2.5))
    #expect(health.lastActivityTime == fixture.clock.now().advanced(by: .seconds(-1)))
    #expect(health.errorRate == 0.3 && health.queuedMessages == 0 && health.checkTime == fixture.clock.now())
    let error = try await refusal { try await repository.health(of: strangeID) }
    #expect(error == .notFound(strangeID))
  },
  ConformanceCase("An active session is degraded when half of its timeout is over, by the clock that never steps") {
    (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.clock.advance(by: .seconds(86_400))
    try await fixture.pass(.seconds(150))
    #expect(try await fixture.repository.health(of: session.id).status == .healthy)
    try await fixture.pass(.milliseconds(1))
    let health = try await fixture.repository.health(of: session.id)
    #expect(health.status == .degraded)
    #expect(health.reasons.first?.hasPrefix("inactivity 0.500003 is over 0.5 (150001 of 300000 ms)") == true)
    fixture.use(session.id, memory: 1)
    #expect(try await fixture.repository.health(of: session.id).status == .healthy)
  },
  ConformanceCase("Looking at health is no activity") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    try await fixture.pass(.seconds(299))
    let health = try await fixture.repository.health(of: session.id)
    #expect(health.lastActivityTime == session.lastActivityTime)
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.repository.session(session.id).status == .idle)
  },
  ConformanceCase("Every interval all live sessions are looked at, and changes become events", options: .looking()) {
    (fixture) async throws in
    let repository = fixture.repository
    let set: @Sendable (inout SessionDraft) -> Void = { $0.constraints = ["max-memory:100", "timeout:0"] }
    let first = try await repository.create(in: .active, "first", set: set)
    let second = try await repository.create("second", set: set)
    let done = try await repository.create(in: .completed, "done", set: set)
    fixture.use(first.id, memory: 95)
    fixture.use(second.id, memory: 101)
    try await fixture.pass(.milliseconds(29_999))
    #expect(try await fixture.healthEvents() == [])
    try await fixture.pass(.milliseconds(1))
    let events = try await fixture.healthEvents()
    #expect(events.map(\.sessionID) == [first.id, second.id])
    #expect(events.map(\.oldHealth) == ["healthy", "healthy"])
    #expect(events.map(\.newHealth) == ["degraded", "unhealthy"])
    #expect(events.map(\.newStatus) == [.active, .initializing])
    // The revision stays.
    let now = try await repository.session(first.id)
    #expect(now.revision == first.revision && now.updateTime == first.updateTime)
    try await fixture.pass(.seconds(30))
    #expect(try await fixture.healthEvents().count == 2)
    fixture.use(first.id, memory: 10)
    fixture.use(second.id, memory: 95)
    try await fixture.pass(.seconds(30))
    let later = try await fixture.healthEvents().dropFirst(2)
    #expect(later.map(\.oldHealth) == ["degraded", "unhealthy"] && later.map(\.newHealth) == ["healthy", "degraded"])
    #expect(try await repository.health(of: done.id).status == .healthy)
  },
  ConformanceCase("Errors are unhealthy at the next look, and what ended is looked at no more", options: .looking()) {
    (fixture) async throws in
    let repository = fixture.repository
    let failed = try await repository.create(in: .error, "failed")
    let ended = try await repository.create(in: .terminated, "ended")
    #expect(try await repository.health(of: failed.id).reasons == ["status is ERROR"])
    #expect(try await repository.health(of: ended.id).reasons == ["status is TERMINATED"])
    try await fixture.pass(.seconds(30))
    let events = try await fixture.healthEvents()
    #expect(events.map(\.sessionID) == [failed.id] && events.first?.newHealth == "unhealthy")
  },
  ConformanceCase("Switched off, no session is looked at but by the call", options: RepositoryOptions()) {
    (fixture) async throws in
    let session = try await fixture.repository.create(in: .error)
    try await fixture.pass(.seconds(300))
    #expect(try await fixture.healthEvents() == [])
    #expect(try await fixture.repository.health(of: session.id).status == .unhealthy)
  },
  ConformanceCase(
    "The thresholds are settings",
    options: .looking {
      $0.healthThresholds.errorRate = .init(degraded: 0.5, unhealthy: 0.6)
      $0.healthThresholds.errorRateProcessedMin = 2
    }
  ) { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.report(session.id, tasks: 2, failed: 1)
    #expect(try await fixture.repository.health(of: session.id).status == .healthy)
    fixture.report(session.id, tasks: 1, failed: 1)
    #expect(
      try await fixture.repository.health(of: session.id).reasons == ["error rate 0.67 is over 0.6 (2 of 3 failed)"])
  },
  ConformanceCase("Of many sessions each look comes to all", options: .looking { $0.maxSessions = 3000 }) {
    (fixture) async throws in
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<2500 {
        group.addTask {
          let session = try await fixture.repository.create("s\(number)") { $0.constraints = ["max-memory:1"] }
          fixture.use(session.id, memory: 2)
        }
      }
      try await group.waitForAll()
    }
    // Each commit looks at some of them.
    try await fixture.pass(.seconds(30))
    for _ in 0..<16 { try await fixture.pass(.zero) }
    let filter = EventFilter(kinds: [.healthChanged])
    var (position, count) = (EventPosition.oldest, 0)
    while true {
      let page = try await fixture.repository.events(position, filter, limit: 1000)
      count += page.events.count
      guard page.hasMore else { break }
      position = .after(page.lastSequence)
    }
    #expect(count == 2500)
  },
  ConformanceCase("Whoever looks at sessions makes events of what has changed since the last look", options: .looking())
  { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create("a") { $0.constraints = ["max-memory:1"] }
    fixture.use(session.id, memory: 2)
    #expect(try await repository.health(of: session.id).status == .unhealthy)
    let filter = EventFilter(kinds: [.healthChanged])
    #expect(try await repository.events(.oldest, filter, limit: 9).events == [])
    #expect(try await repository.look(at: [strangeID, session.id]).map(\.status) == [.unhealthy])
    #expect(try await repository.look(after: nil, limit: 9).map(\.status) == [.unhealthy])
    #expect(try await repository.events(.oldest, filter, limit: 9).events.count == 1)
    fixture.use(session.id, memory: 0)
    #expect(try await repository.look(after: nil, limit: 9).map(\.status) == [.healthy])
    #expect(try await repository.events(.oldest, filter, limit: 9).events.count == 2)
    try await fixture.pass(.seconds(30))
    #expect(try await repository.events(.oldest, filter, limit: 9).events.count == 2)
  },
  ConformanceCase("The health of all sessions comes by id, in pages") { (fixture) async throws in
    let repository = fixture.repository
    var ids: [SessionID] = []
    for status in SessionStatus.allCases { ids.append(try await repository.create(in: status).id) }
    let first = try await repository.look(after: nil, limit: 4)
    let second = try await repository.look(after: first.last?.sessionID, limit: 4)
    #expect((first + second).map(\.sessionID) == ids)
    #expect((first + second).filter { $0.status == .unhealthy }.count == 2)
    #expect(try await repository.look(after: ids.last, limit: 4) == [])
  },
]
