import RPCCore

/// How long a peer has taken nothing of what waits for it.
struct ReadingPace {
  typealias Instant = MonotonicInstant

  private var waitingBytes = 0
  private var since: Instant?

  /// Whether nothing was taken for longer than `limit`, now that `waitingBytes` wait.
  mutating func isOver(_ limit: Duration?, waitingBytes: Int, at now: Instant) -> Bool {
    guard let limit, waitingBytes > 0 else {
      since = nil
      return false
    }
    if waitingBytes != self.waitingBytes || since == nil {
      self.waitingBytes = waitingBytes
      since = now
    }
    return since.map { now - $0 >= limit } ?? false
  }
}
