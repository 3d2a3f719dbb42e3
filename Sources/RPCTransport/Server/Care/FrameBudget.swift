import HTTP2
import RPCCore

/// Bounds the frames that cost the server work and the client nothing, as a bucket that fills with time.
struct FrameBudget {
  private let burst: Double
  private let perSecond: Double
  private var left: Double
  private var filled: MonotonicInstant
  private var windowUpdates: UInt64 = 0

  init(_ limits: ConnectionLimits, at now: MonotonicInstant) {
    burst = Double(limits.controlFramesBurst)
    perSecond = Double(limits.controlFramesPerSecond)
    left = burst
    filled = now
  }

  /// A frame came in. False if it is one too many. `contentFramesSent` is how many HEADERS and DATA the client was
  /// sent so far: each of them may be answered with a WINDOW_UPDATE for its stream and one for the connection.
  mutating func take(_ frame: FrameHeader, at now: MonotonicInstant, contentFramesSent: UInt64) -> Bool {
    // Other limits hold for these.
    if frame.isContent { return true }
    return frame.type == .windowUpdate ? takeWindowUpdate(at: now, contentFramesSent) : take(at: now)
  }

  /// The client did what has a stream of its reset. False if that is one too many.
  mutating func takeReset(at now: MonotonicInstant) -> Bool { take(at: now) }

  private mutating func takeWindowUpdate(at now: MonotonicInstant, _ contentFramesSent: UInt64) -> Bool {
    windowUpdates += 1
    return windowUpdates <= 2 * contentFramesSent || take(at: now)
  }

  private mutating func take(at now: MonotonicInstant) -> Bool {
    left = min(burst, left + perSecond * ((now - filled) / .seconds(1)))
    filled = now
    guard left >= 1 else { return false }
    left -= 1
    return true
  }
}
