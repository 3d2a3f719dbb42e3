import RPCCore

@testable import RPCTransport

extension MonotonicInstant {
  /// When connections begin.
  static let start = MonotonicInstant.now
}

extension Duration {
  static func days(_ days: Int) -> Duration { .seconds(86_400 * days) }
}

extension ConnectionLimits {
  /// No limits of time but those that `set` sets.
  static func none(_ set: (inout ConnectionLimits) -> Void = { _ in }) -> ConnectionLimits {
    var limits = ConnectionLimits()
    limits.firstRequest = nil
    limits.header = nil
    limits.body = nil
    limits.idle = nil
    limits.ageMax = nil
    limits.ageGrace = nil
    limits.keepaliveTime = nil
    limits.unreadOutput = nil
    set(&limits)
    return limits
  }

  /// Leaves clients time to read why they are sent away, on a machine that has other things to do.
  mutating func letClientsRead() { leavingMax = .seconds(3600) }
}

extension ConnectionCare.Observation {
  /// A connection as it is so long after its start; nothing that is not said is worth a look.
  static func seen(
    after time: Duration, lastReceived: Duration? = nil, headersBegan: Duration? = nil, requests: UInt64 = 0,
    hasStreams: Bool = false, isWritable: Bool = true
  ) -> Self {
    Self(
      now: .start + time, lastReceived: .start + (lastReceived ?? time), headersBegan: headersBegan.map { .start + $0 },
      requests: requests, hasStreams: hasStreams, isWritable: isWritable)
  }
}
