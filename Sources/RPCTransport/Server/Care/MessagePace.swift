import RPCCore

/// How long the message that is coming in takes, without the time in which this end held it back.
struct MessagePace {
  typealias Instant = MonotonicInstant

  private var began: Instant?

  /// A message is to come from `now` on.
  mutating func begin(at now: Instant) { began = now }

  /// A message is complete.
  mutating func complete() { began = nil }

  /// Bytes came in, after which a message is complete or `isInside`.
  mutating func received(isInside: Bool, at now: Instant) { began = isInside ? began ?? now : nil }

  /// Whether the message takes longer than `limit`. While it `isHeldBack`, its time does not run.
  mutating func isOver(_ limit: Duration?, isHeldBack: Bool, at now: Instant) -> Bool {
    guard let limit, let began else { return false }
    if isHeldBack { self.began = now }
    return !isHeldBack && now - began >= limit
  }
}
