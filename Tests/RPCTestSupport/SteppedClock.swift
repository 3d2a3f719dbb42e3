import Synchronization

/// A clock that stands still until a test moves it.
public final class SteppedClock: Clock {
  /// A point in its time.
  public struct Instant: InstantProtocol {
    let offset: Duration

    /// The point `duration` later.
    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    /// The time from here to `other`.
    public func duration(to other: Instant) -> Duration { other.offset - offset }
    /// Orders by time.
    public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private let time = Observed(Instant(offset: .zero))
  /// How many tasks sleep.
  public let sleepers = Observed(0)

  /// A clock at zero.
  public init() {}

  /// The time it shows.
  public var now: Instant { time.value }
  /// Exact.
  public var minimumResolution: Duration { .zero }

  /// Moves it on.
  public func advance(by duration: Duration) { time.update { $0 = $0.advanced(by: duration) } }

  /// Returns once it shows `deadline`.
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    sleepers.update { $0 += 1 }
    defer { sleepers.update { $0 -= 1 } }
    try await time.wait { $0 >= deadline }
  }
}
