import SessionDomain
import Testing

let metricsCases = [
  ConformanceCase("A session that never reported has metrics of zero, and one that is not there none") {
    (fixture) async throws in
    let session = try await fixture.repository.create("a")
    let metrics = try await fixture.repository.metrics(of: session.id)
    #expect(metrics.processed.isZero && metrics.averageResponseTime == 0 && metrics.p50 == 0 && metrics.p99 == 0)
    #expect(metrics.errorRate == 0 && metrics.throughput == 0)
    #expect(metrics.usage == ResourceUsage(memoryBytes: 0, cpu: 0) && metrics.window == .seconds(60))
    #expect(metrics.sampleTime == fixture.clock.now())
    let error = try await refusal { try await fixture.repository.metrics(of: strangeID) }
    #expect(error == .notFound(strangeID))
  },
  ConformanceCase("Metrics have the counts of the whole life, and rates and times of the window") {
    (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.report(session.id, tasks: 100, failed: 1, (1...100).map { Double($0) })
    // Less than nine tenths of the window are always in it.
    try await fixture.pass(.milliseconds(53_999))
    let now = try await fixture.repository.metrics(of: session.id)
    #expect(now.processed.tasks == 100 && now.errorRate == 0.01 && now.averageResponseTime == 50.5)
    #expect((100.0 / 60...100.0 / 54).contains(now.throughput))
    for (found, exact) in [(now.p50, 50.0), (now.p95, 95), (now.p99, 99)] {
      #expect(abs(found - exact) <= exact / 64)
    }
    try await fixture.pass(.milliseconds(6001))
    fixture.report(session.id, tasks: 2, failed: 1, [10, 20])
    let later = try await fixture.repository.metrics(of: session.id)
    #expect(later.processed.tasks == 102 && later.errorRate == 0.5 && later.averageResponseTime == 15)
    #expect(later.p50 == 10 && later.p95 == 20)
  },
  ConformanceCase("Messages count when they are acknowledged, with the time from their delivery") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", "b", "c", to: receiver)
    let messages = try await mailbox.take()
    try await fixture.pass(.milliseconds(100))
    try await repository.acknowledge([messages[0]])
    try await fixture.pass(.milliseconds(200))
    try await repository.acknowledge([messages[1]], error: "failed")
    let metrics = try await repository.metrics(of: receiver)
    #expect(metrics.processed == ProcessedCounts(messages: 2, tasks: 0))
    #expect(metrics.errorRate == 0.5 && metrics.averageResponseTime == 200)
    #expect(metrics.p50 == 100 && metrics.p99 == 300)
    #expect(try await repository.health(of: receiver).queuedMessages == 2)
    mailbox.close()
  },
  ConformanceCase("Memory and cpu are as last reported") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    for (memory, cpu) in [(5, 0.5), (3, 1.25)] as [(Int64, Double)] {
      let report = ActivityReport(sessionID: session.id, memoryUsageBytes: memory, cpuUsage: cpu)
      #expect(fixture.repository.report(report) == .accepted)
      try await fixture.pass(.seconds(100))
      let usage = try await fixture.repository.metrics(of: session.id).usage
      #expect(usage == ResourceUsage(memoryBytes: memory, cpu: cpu))
    }
  },
  ConformanceCase("A finished session has its metrics, as long as it is there") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active)
    fixture.report(session.id, tasks: 2, failed: 1, [10, 20])
    try await repository.move(session.id, to: .completed)
    #expect(try await repository.metrics(of: session.id).errorRate == 0.5)
    // Also when the file has what it reported, until the window is over.
    try await fixture.pass(.milliseconds(53_999))
    #expect(try await repository.metrics(of: session.id).errorRate == 0.5)
    try await fixture.pass(.milliseconds(6001))
    let later = try await repository.metrics(of: session.id)
    #expect(later.processed.tasks == 2 && later.errorRate == 0)
  },
  ConformanceCase("A session that moves without its state begins its window afresh, and one with it does not") {
    (fixture) async throws in
    for preservesState in [true, false] {
      let session = try await fixture.repository.create(in: .active)
      fixture.report(session.id, tasks: 20, failed: 10, Array(repeating: 5, count: 20))
      let migration = Migration(workspace: "/new", preservesState: preservesState)
      _ = try await fixture.repository.migrate(session.id, migration)
      let metrics = try await fixture.repository.metrics(of: session.id)
      #expect(metrics.processed.tasks == (preservesState ? 20 : 0))
      #expect(metrics.errorRate == (preservesState ? 0.5 : 0) && metrics.p50 == (preservesState ? 5 : 0))
      #expect((metrics.throughput == 0) == !preservesState)
      let health = try await fixture.repository.health(of: session.id)
      #expect(health.status == (preservesState ? .unhealthy : .healthy))
    }
  },
  ConformanceCase("What is told of metrics moves neither the revision nor the sequence") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active)
    fixture.report(session.id, tasks: 2)
    _ = try await repository.metrics(of: session.id)
    _ = try await repository.stats()
    _ = try await repository.health(of: session.id)
    #expect(try await repository.sequences().newest == session.revision)
    #expect(try await repository.session(session.id).revision == session.revision)
  },
]
