/// Pauses that grow with every failure in a row, each somewhat random so that clients that failed together do not come
/// back together (grpc/doc/connection-backoff.md; gRFC A6).
public struct Backoff: Sendable, Hashable {
  /// After the first failure.
  public var initial: Duration
  /// The pause grows by this factor.
  public var multiplier: Double
  /// The longest pause, before jitter.
  public var max: Duration
  /// How far a pause may be off either way, as a part of it.
  public var jitter: Double

  /// Pauses from `initial` to `max`.
  public init(initial: Duration, multiplier: Double, max: Duration, jitter: Double = 0.2) {
    self.initial = initial
    self.multiplier = multiplier
    self.max = max
    self.jitter = jitter
  }

  /// The pause after `failures` in a row, 1 and up. `random` is anywhere from 0 to 1.
  public func pause(afterFailures failures: Int, random: Double) -> Duration {
    var pause = min(initial, max)
    var steps = failures - 1
    // Step by step rather than by a power, which may overflow.
    while steps > 0, multiplier > 1, pause < max {
      pause = min(pause * multiplier, max)
      steps -= 1
    }
    return pause * (1 + jitter * (2 * random - 1))
  }
}
