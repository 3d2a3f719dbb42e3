/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Microseconds since 1970; negative before.
  public let microseconds: Int64

  /// Makes the moment that many microseconds after 1970.
  public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// Orders moments by time.
  public static func < (left: Self, right: Self) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The moment `duration` later, to the microsecond; it stops at the ends of the range.
  public func advanced(by duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    let (whole, tooLong) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let bound = seconds < 0 ? Int64.min : Int64.max
    guard !tooLong else { return Timestamp(microseconds: bound) }
    let (step, stepOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    guard !stepOverflow else { return Timestamp(microseconds: bound) }
    let (sum, overflow) = microseconds.addingReportingOverflow(step)
    return Timestamp(microseconds: overflow ? bound : sum)
  }
}

/// Tells the time of day. Injected everywhere, so that tests can move it.
public protocol WallClock: Sendable {
  /// The time now; it may step back when the machine's clock is set.
  func now() -> Timestamp
}
