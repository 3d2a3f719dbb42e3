import Testing

@testable import SessionDomain

/// The contract's table, line by line: at a threshold it is well yet, over it it is not.
@Suite struct HealthThresholdsTests {
  private func health(
    _ thresholds: HealthThresholds = HealthThresholds(), _ change: (inout VitalSigns) -> Void
  ) -> SessionHealth {
    let start = Timestamp(microseconds: 1_000_000)
    var signs = VitalSigns(
      sessionID: SessionID(high: 0, low: 1), status: .active, startTime: start, lastActivityTime: start,
      checkTime: start.advanced(by: .seconds(5)))
    change(&signs)
    return SessionHealth(signs, by: thresholds)
  }

  @Test func `The longest timeout there is is told, as is any time`() {
    let health = health { signs in
      signs.timeout = .milliseconds(Int64.max)
      signs.idleTime = .milliseconds(Int64.max) + .seconds(1)
    }
    #expect(health.reasons.first?.hasSuffix("ms)") ?? false)
    let young = self.health { signs in
      signs.timeout = .milliseconds(Int64.max)
      signs.idleTime = .seconds(1)
    }
    #expect(young.status == .healthy)
  }

  @Test(arguments: SessionStatus.allCases) func `ERROR and TERMINATED are unhealthy`(status: SessionStatus) {
    let health = health { $0.status = status }
    let isIll = [.error, .terminated].contains(status)
    #expect(health.status == (isIll ? .unhealthy : .healthy))
    #expect(health.reasons == (isIll ? ["status is \(status.description.uppercased())"] : []))
  }

  @Test(
    arguments: [
      (100, 5, .healthy), (1000, 51, .degraded), (100, 25, .degraded), (100, 26, .unhealthy), (9, 9, .healthy),
      (10, 1, .degraded), (10, 10, .unhealthy), (0, 0, .healthy),
    ] as [(Int64, Int64, HealthStatus)])
  func `The error rate counts from ten processed on`(processed: Int64, failed: Int64, status: HealthStatus) {
    let health = health { $0.rates = ProcessingRates(processed: processed, failed: failed) }
    #expect(health.status == status)
    #expect(health.reasons.allSatisfy { $0.hasPrefix("error rate ") } && health.reasons.isEmpty == (status == .healthy))
  }

  @Test(
    arguments: [
      (900, .healthy), (901, .degraded), (1000, .degraded), (1001, .unhealthy), (0, .healthy),
    ] as [(Int64, HealthStatus)])
  func `Memory counts over what is allocated, and over max-memory`(used: Int64, status: HealthStatus) {
    let allocated = health { signs in
      signs.resources = ResourceAllocation(memoryBytes: 1000, cpuMillicores: 0, diskBytes: 0)
      signs.usage.memoryBytes = used
    }
    let constrained = health { signs in
      signs.constraints = ["max-memory:1000"]
      signs.usage.memoryBytes = used
    }
    #expect(allocated.status == status && constrained.status == status)
    #expect(allocated.reasons.allSatisfy { $0.contains("over the allocation") })
    #expect(constrained.reasons.allSatisfy { $0.contains("over max-memory") })
  }

  @Test func `Over max-cpu is unhealthy, over the allocation alone degraded`() {
    func status(_ cores: Double, allocated: Int64?, _ constraints: [String]) -> HealthStatus {
      health { signs in
        signs.resources = allocated.map { ResourceAllocation(memoryBytes: 0, cpuMillicores: $0, diskBytes: 0) }
        signs.constraints = constraints
        signs.usage.cpu = cores
      }.status
    }
    #expect(status(1, allocated: 1000, []) == .healthy)
    #expect(status(1.1, allocated: 1000, []) == .degraded)
    #expect(status(100, allocated: 1000, []) == .degraded)
    #expect(status(1.1, allocated: 1000, ["max-cpu:2"]) == .degraded)
    #expect(status(2, allocated: nil, ["max-cpu:2"]) == .healthy)
    #expect(status(2.1, allocated: nil, ["max-cpu:2"]) == .unhealthy)
    #expect(status(2.1, allocated: 1000, ["max-cpu:2"]) == .unhealthy)
    // Nothing was allocated, so that nothing is over it.
    #expect(status(100, allocated: nil, []) == .healthy && status(100, allocated: 0, []) == .healthy)
  }

  @Test(
    arguments: [
      (700, [], .healthy), (701, [], .degraded), (900, [], .degraded), (901, [], .unhealthy),
      (7, ["max-queue:10"], .healthy), (8, ["max-queue:10"], .degraded), (10, ["max-queue:10"], .unhealthy),
      (0, ["max-queue:0"], .healthy), (1, ["max-queue:0"], .unhealthy), (901, ["max-queue:9000"], .healthy),
    ] as [(Int64, [String], HealthStatus)])
  func `The queue counts over max-queue, or over 1000`(queued: Int64, constraints: [String], status: HealthStatus) {
    let health = health { signs in
      signs.constraints = constraints
      signs.queuedMessages = queued
    }
    #expect(health.status == status && health.queuedMessages == queued)
  }

  @Test(
    arguments: [
      (5000, .active, .healthy), (5001, .active, .degraded), (10_000, .active, .degraded),
      (10_001, .active, .unhealthy),
      (10_001, .idle, .healthy), (10_001, .initializing, .healthy),
    ] as [(Int, SessionStatus, HealthStatus)])
  func `The time without activity counts over the timeout, of an active session`(
    milliseconds: Int, status: SessionStatus, expected: HealthStatus
  ) {
    let health = health { signs in
      signs.status = status
      signs.idleTime = .milliseconds(milliseconds)
      signs.timeout = .seconds(10)
    }
    #expect(health.status == expected)
    #expect(self.health { $0.idleTime = .seconds(1_000_000) }.status == .healthy)
  }

  @Test(arguments: [(39, .healthy), (40, .unhealthy)] as [(Int64, HealthStatus)])
  func `From how many processed on the error rate counts is a setting`(processed: Int64, status: HealthStatus) {
    var thresholds = HealthThresholds()
    thresholds.errorRateProcessedMin = 40
    #expect(health(thresholds) { $0.rates = ProcessingRates(processed: processed, failed: 39) }.status == status)
  }

  @Test func `Every reason that applies is given, with figure and threshold`() {
    let health = health { signs in
      signs.status = .error
      signs.constraints = ["max-memory:100", "max-queue:1"]
      signs.usage = ResourceUsage(memoryBytes: 95, cpu: 3)
      signs.resources = ResourceAllocation(memoryBytes: 90, cpuMillicores: 2000, diskBytes: 0)
      signs.rates = ProcessingRates(processed: 100, failed: 12)
      signs.queuedMessages = 3
    }
    #expect(
      health.reasons == [
        "status is ERROR", "error rate 0.12 is over 0.05 (12 of 100 failed)",
        "memory used over the allocation 1.06 is over 1 (95 of 90 bytes)",
        "memory used over max-memory 0.95 is over 0.9 (95 of 100 bytes)",
        "cpu used over the allocation 1.5 is over 1 (3.0 of 2.0 cores)", "queue 3 is over 0.9 (3 of 1 messages)",
      ])
    #expect(health.status == .unhealthy)
  }

  @Test func `A figure that is little over its threshold is told so that it is seen`() {
    #expect(
      health { $0.rates = ProcessingRates(processed: 100_000, failed: 5001) }.reasons.first?
        .hasPrefix("error rate 0.05001 is over 0.05 ") == true)
    let most = health { signs in
      signs.usage.memoryBytes = .max
      signs.constraints = ["max-memory:1"]
    }
    #expect(most.status == .unhealthy)
  }

  @Test(arguments: [(.completed, []), (.terminated, ["status is TERMINATED"])] as [(SessionStatus, [String])])
  func `What a finished session used does not count any more`(status: SessionStatus, reasons: [String]) {
    let health = health { signs in
      signs.status = status
      signs.usage.memoryBytes = 2
      signs.constraints = ["max-memory:1"]
    }
    #expect(health.reasons == reasons)
  }

  @Test func `Uptime is from the first start to the end, or to now`() {
    #expect(health { _ in }.uptime == .seconds(5))
    #expect(health { $0.endTime = Timestamp(microseconds: 3_000_000) }.uptime == .seconds(2))
    #expect(health { $0.startTime = nil }.uptime == .zero)
  }

  @Test(arguments: lines)
  fileprivate func `Each threshold is a setting`(line: Line) {
    var thresholds = HealthThresholds()
    line.setBounds(&thresholds, .init(degraded: 0.1, unhealthy: 0.2))
    for (percent, expected) in [(10, .healthy), (15, .degraded), (25, .unhealthy)] as [(Int64, HealthStatus)] {
      #expect(health(thresholds) { line.use(&$0, percent) }.status == expected, "\(percent) percent")
    }
  }
}

/// A line of the table: where its thresholds are, and a session that uses so many percent of what it has.
private struct Line: CustomTestStringConvertible {
  let testDescription: String
  let setBounds: @Sendable (inout HealthThresholds, HealthThresholds.Bounds) -> Void
  let use: @Sendable (inout VitalSigns, Int64) -> Void

  init(
    _ name: String, _ setBounds: @escaping @Sendable (inout HealthThresholds, HealthThresholds.Bounds) -> Void,
    use: @escaping @Sendable (inout VitalSigns, Int64) -> Void
  ) {
    testDescription = name
    self.setBounds = setBounds
    self.use = use
  }
}

private let lines: [Line] = [
  Line("error rate", { $0.errorRate = $1 }) { $0.rates = ProcessingRates(processed: 100, failed: $1) },
  Line("memory") {
    $0.memory = $1
  } use: { signs, percent in
    signs.constraints = ["max-memory:100"]
    signs.usage.memoryBytes = percent
  },
  Line("cpu") {
    $0.cpu = $1
  } use: { signs, percent in
    signs.resources = ResourceAllocation(memoryBytes: 0, cpuMillicores: 100_000, diskBytes: 0)
    signs.constraints = ["max-cpu:100"]
    signs.usage.cpu = Double(percent)
  },
  Line("queue") {
    $0.queue = $1
  } use: { signs, percent in
    signs.constraints = ["max-queue:100"]
    signs.queuedMessages = percent
  },
  Line("queue, without max-queue") {
    $0.queue = $1
    $0.queueLimitDefault = 100
  } use: { signs, percent in
    signs.queuedMessages = percent
  },
  Line("inactivity") {
    $0.inactivity = $1
  } use: { signs, percent in
    signs.timeout = .seconds(100)
    signs.idleTime = .seconds(percent)
  },
]
