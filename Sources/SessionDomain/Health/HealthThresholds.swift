/// From where on a session is degraded or unhealthy: when a figure is over a threshold. The defaults are the server's.
public struct HealthThresholds: Hashable, Sendable {
  /// Where the two worse states begin, of one figure.
  public struct Bounds: Hashable, Sendable {
    /// Over this it is degraded.
    public var degraded: Double
    /// Over this it is unhealthy.
    public var unhealthy: Double

    /// Makes bounds.
    public init(degraded: Double, unhealthy: Double) {
      self.degraded = degraded
      self.unhealthy = unhealthy
    }
  }

  /// Failed over processed in the metrics window.
  public var errorRate = Bounds(degraded: 0.05, unhealthy: 0.25)
  /// So much must have been processed in the window for the error rate to count.
  public var errorRateProcessedMin: Int64 = 10
  /// Memory used over what is allocated, and over `max-memory`.
  public var memory = Bounds(degraded: 0.9, unhealthy: 1)
  /// Processor time used: degraded over what is allocated, unhealthy over `max-cpu`.
  public var cpu = Bounds(degraded: 1, unhealthy: 1)
  /// The queue over `max-queue`, or over `queueLimitDefault` without one.
  public var queue = Bounds(degraded: 0.7, unhealthy: 0.9)
  /// What a queue is measured by that has no `max-queue`.
  public var queueLimitDefault: Int64 = 1000
  /// The time without activity of an active session, over its timeout.
  public var inactivity = Bounds(degraded: 0.5, unhealthy: 1)

  /// The defaults.
  public init() {}
}

/// One thing that speaks against a session.
struct HealthFind: Hashable, Sendable {
  let status: HealthStatus
  let reason: String

  /// The worst that `figure` makes of `bounds`; nil when it is over neither.
  init?(_ what: String, _ figure: Double, _ bounds: HealthThresholds.Bounds, _ note: @autoclosure () -> String) {
    if figure > bounds.unhealthy {
      self.init(.unhealthy, what, figure, over: bounds.unhealthy, note())
    } else if figure > bounds.degraded {
      self.init(.degraded, what, figure, over: bounds.degraded, note())
    } else {
      return nil
    }
  }

  init(_ status: HealthStatus, _ what: String, _ figure: Double, over threshold: Double, _ note: String) {
    self.init(
      status: status, reason: "\(what) \(Self.text(figure, over: threshold)) is over \(Self.text(threshold)) (\(note))")
  }

  init(status: HealthStatus, reason: String) {
    self.status = status
    self.reason = reason
  }

  /// Two digits after the point, or as many as it takes to tell the figure from the threshold.
  private static func text(_ figure: Double, over threshold: Double) -> String {
    for scale in [100.0, 10_000, 1_000_000] where figure < 1e9 && (figure * scale).rounded() / scale > threshold {
      return text((figure * scale).rounded() / scale)
    }
    return text(figure)
  }

  private static func text(_ figure: Double) -> String {
    figure == figure.rounded() && figure.magnitude < 1e15 ? "\(Int64(figure))" : "\(figure)"
  }
}

extension HealthThresholds {
  /// Everything that speaks against a session, in the order of the contract's table.
  func finds(_ signs: VitalSigns) -> [HealthFind] {
    switch signs.status {
    // What it used and failed at ended with it.
    case .completed: return []
    case .terminated: return [Self.find(signs.status)]
    case .error: return [Self.find(signs.status)] + liveFinds(signs)
    case .initializing, .active, .idle: return liveFinds(signs)
    }
  }

  private static func find(_ status: SessionStatus) -> HealthFind {
    HealthFind(status: .unhealthy, reason: "status is \(status.description.uppercased())")
  }

  private func liveFinds(_ signs: VitalSigns) -> [HealthFind] {
    let limits = ResourceLimits(signs.constraints)
    var finds: [HealthFind?] = []
    if signs.rates.processed >= errorRateProcessedMin {
      finds.append(
        HealthFind(
          "error rate", signs.rates.errorRate, errorRate,
          "\(signs.rates.failed) of \(signs.rates.processed) failed"))
    }
    finds += memoryFinds(signs, limits) + cpuFinds(signs, limits)
    let queueLimit = limits.queuedMessages ?? queueLimitDefault
    if let part = Self.part(Double(signs.queuedMessages), of: Double(queueLimit)) {
      finds.append(HealthFind("queue", part, queue, "\(signs.queuedMessages) of \(queueLimit) messages"))
    }
    if signs.status == .active, let idleTime = signs.idleTime, let timeout = signs.timeout {
      finds.append(
        HealthFind(
          "inactivity", idleTime / timeout, inactivity,
          "\(Self.milliseconds(idleTime)) of \(Self.milliseconds(timeout)) ms"))
    }
    return finds.compactMap { $0 }
  }

  private func memoryFinds(_ signs: VitalSigns, _ limits: ResourceLimits) -> [HealthFind?] {
    let used = signs.usage.memoryBytes
    func find(_ what: String, _ limit: Int64?) -> HealthFind? {
      guard let limit, let part = Self.part(Double(used), of: Double(limit)) else { return nil }
      return HealthFind("memory used over \(what)", part, memory, "\(used) of \(limit) bytes")
    }
    return [find("the allocation", signs.resources.allocated(\.memoryBytes)), find("max-memory", limits.memoryBytes)]
  }

  private func cpuFinds(_ signs: VitalSigns, _ limits: ResourceLimits) -> [HealthFind?] {
    let used = signs.usage.cpu
    func find(_ what: String, _ limit: Int64?, _ status: HealthStatus, _ threshold: Double) -> HealthFind? {
      guard let limit, let part = Self.part(used * 1000, of: Double(limit)), part > threshold else { return nil }
      return HealthFind(
        status, "cpu used over \(what)", part, over: threshold, "\(used) of \(Double(limit) / 1000) cores")
    }
    return [
      find("the allocation", signs.resources.allocated(\.cpuMillicores), .degraded, cpu.degraded),
      find("max-cpu", limits.cpuMillicores, .unhealthy, cpu.unhealthy),
    ]
  }

  /// A part of a limit, which may be none at all; nil for nothing of nothing.
  private static func part(_ figure: Double, of limit: Double) -> Double? {
    figure == 0 ? nil : figure / limit
  }

  /// Whole milliseconds. The longest timeout there is has more of them than a quotient tells exactly.
  private static func milliseconds(_ duration: Duration) -> Int64 {
    Int64(exactly: (duration / .milliseconds(1)).rounded(.down)) ?? .max
  }
}

extension ResourceAllocation? {
  /// What was allocated; an allocation of nothing is none.
  fileprivate func allocated(_ resource: KeyPath<ResourceAllocation, Int64>) -> Int64? {
    self.map { $0[keyPath: resource] }.flatMap { $0 > 0 ? $0 : nil }
  }
}

/// The limits among a session's constraints.
private struct ResourceLimits {
  var memoryBytes: Int64?
  var cpuMillicores: Int64?
  var queuedMessages: Int64?

  init(_ constraints: [String]) {
    // What is no limit need not be read.
    for text in constraints where text.utf8.starts(with: "max-".utf8) {
      guard case .success(let constraint) = Constraint.parse(text) else { continue }
      switch constraint.value {
      case .memoryBytesMax(let limit): memoryBytes = limit
      case .cpuMillicoresMax(let limit): cpuMillicores = limit
      case .queuedMessagesMax(let limit): queuedMessages = limit
      case .diskBytesMax, .timeout, .cpuPriority, .unknown: break
      }
    }
  }
}
