import Glibc

/// A moment by the clock that `ContinuousClock` reads, to the nanosecond.
///
/// Used in place of that clock's own instants, whose size is not known before the program runs: each class with one in
/// it would look up where its properties lie, and each copy of one would be a call, on every call that a server takes.
public struct MonotonicInstant: InstantProtocol {
  // Since the machine started.
  private let nanoseconds: Int64

  private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// This moment.
  public static var now: MonotonicInstant {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return MonotonicInstant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }

  /// The moment `duration` later: within 292 years of the machine's start, however long a time a caller names.
  public func advanced(by duration: Duration) -> MonotonicInstant {
    let (sum, isTooFar) = nanoseconds.addingReportingOverflow(duration.nanoseconds)
    return MonotonicInstant(nanoseconds: isTooFar ? (nanoseconds < 0 ? .min : .max) : sum)
  }

  /// How much later `other` is.
  public func duration(to other: MonotonicInstant) -> Duration {
    let (difference, isTooLong) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
    return .nanoseconds(isTooLong ? (nanoseconds < 0 ? .max : .min) : difference)
  }

  /// The same as `advanced(by:)`.
  public static func + (instant: MonotonicInstant, duration: Duration) -> MonotonicInstant {
    instant.advanced(by: duration)
  }

  /// The same as `duration(to:)`, from `other` on.
  public static func - (instant: MonotonicInstant, other: MonotonicInstant) -> Duration { other.duration(to: instant) }

  /// Whether it is earlier.
  public static func < (one: MonotonicInstant, other: MonotonicInstant) -> Bool { one.nanoseconds < other.nanoseconds }
}

extension Duration {
  /// In nanoseconds: at most 292 years, either way.
  var nanoseconds: Int64 {
    // Almost all are short of the 18 seconds that need the wider division, which takes ten times as long.
    if let attoseconds = UInt64(exactly: attoseconds) { return Int64(attoseconds / 1_000_000_000) }
    let (seconds, attoseconds) = components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isJustTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isTooLong || isJustTooLong ? (seconds < 0 ? .min : .max) : sum
  }
}
