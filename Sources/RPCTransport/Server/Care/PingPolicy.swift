import RPCCore

/// Tells when a client sends more PINGs than it may (gRFC A8, "Server Enforcement").
struct PingPolicy {
  private static let strikesMax = 2
  // What grpc's servers allow where pings without calls are not permitted.
  private static let intervalWithoutCalls = Duration.seconds(7200)

  private let minimumTime: Duration
  private let permitsWithoutCalls: Bool
  private var lastPing: MonotonicInstant?
  private var contentFramesSent: UInt64 = 0
  private var strikes = 0

  init(_ limits: ConnectionLimits) {
    minimumTime = limits.keepaliveMinimumTime
    permitsWithoutCalls = limits.keepaliveWithoutCalls
  }

  /// A PING came in. True if it is one too many. `contentFramesSent` is how many HEADERS and DATA the client was sent
  /// so far: clients measure latency and bandwidth with a PING when something comes, which is no strike.
  mutating func receivedPing(at now: MonotonicInstant, hasCalls: Bool, contentFramesSent: UInt64) -> Bool {
    defer { lastPing = now }
    if contentFramesSent != self.contentFramesSent {
      self.contentFramesSent = contentFramesSent
      strikes = 0
      return false
    }
    let interval = hasCalls || permitsWithoutCalls ? minimumTime : Self.intervalWithoutCalls
    guard let lastPing, now - lastPing < interval else { return false }
    strikes += 1
    return strikes > Self.strikesMax
  }
}
