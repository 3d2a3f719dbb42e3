/// Tells a time that only goes forward, and waits for it. Injected everywhere, so that tests can move it.
public protocol MonotonicClock: Sendable {
  /// The time now.
  var now: ContinuousClock.Instant { get }

  /// Returns at `deadline`, or at most `tolerance` later. Throws `CancellationError`.
  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws
}

extension ContinuousClock: MonotonicClock {}
