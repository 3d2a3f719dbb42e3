/// How well a session is. Raw values are the contract's numbers, and grow with how bad it is.
public enum HealthStatus: Int32, CaseIterable, Hashable, Sendable {
  case healthy = 1
  case degraded = 2
  case unhealthy = 3
}

extension HealthStatus: CustomStringConvertible {
  /// The lower-case name, such as "healthy".
  public var description: String {
    switch self {
    case .healthy: "healthy"
    case .degraded: "degraded"
    case .unhealthy: "unhealthy"
    }
  }
}

extension HealthStatus: Comparable {
  /// Orders by how bad it is.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// How well a session is, why, and what was looked at.
public struct SessionHealth: Hashable, Sendable {
  /// The session.
  public var sessionID: SessionID
  /// The worst that any of the reasons makes it.
  public var status: HealthStatus
  /// Why it is not healthy, a line each; empty when it is.
  public var reasons: [String]
  /// Since it first became active, until its end.
  public var uptime: Duration
  /// As last reported.
  public var usage: ResourceUsage
  /// When it was last active.
  public var lastActivityTime: Timestamp
  /// Messages that wait or are in delivery.
  public var queuedMessages: Int64
  /// Failed over processed in the metrics window, 0 to 1.
  public var errorRate: Double
  /// When it was looked at.
  public var checkTime: Timestamp

  /// Judges a session.
  public init(_ signs: VitalSigns, by thresholds: HealthThresholds) {
    let finds = thresholds.finds(signs)
    sessionID = signs.sessionID
    status = finds.map(\.status).max() ?? .healthy
    reasons = finds.map(\.reason)
    uptime = signs.uptime
    usage = signs.usage
    lastActivityTime = signs.lastActivityTime
    queuedMessages = signs.queuedMessages
    errorRate = signs.rates.errorRate
    checkTime = signs.checkTime
  }
}
