// `grpc-timeout` (grpc/doc/PROTOCOL-HTTP2.md): at most eight digits and a unit.

/// The duration that a `grpc-timeout` header names; nil when it is malformed.
public func parseTimeout(_ text: UnsafeRawBufferPointer) -> Duration? {
  guard (2...9).contains(text.count), let unit = text.last else { return nil }
  var amount: Int64 = 0
  for digit in text.dropLast() {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
    amount = amount * 10 + Int64(digit - UInt8(ascii: "0"))
  }
  switch unit {
  case UInt8(ascii: "H"): return .seconds(amount * 3600)
  case UInt8(ascii: "M"): return .seconds(amount * 60)
  case UInt8(ascii: "S"): return .seconds(amount)
  case UInt8(ascii: "m"): return .milliseconds(amount)
  case UInt8(ascii: "u"): return .microseconds(amount)
  case UInt8(ascii: "n"): return .nanoseconds(amount)
  default: return nil
  }
}

/// The header for a duration, in the finest unit whose eight digits hold it, rounded up; never below 1 n.
public func timeoutHeader(for timeout: Duration) -> String {
  let (seconds, attoseconds) = timeout.components
  let nanosecondsMax: Int64 = 99_999_999
  if seconds < 1 {
    let nanoseconds = max(1, seconds < 0 ? 1 : (attoseconds + 999_999_999) / 1_000_000_000)
    if nanoseconds <= nanosecondsMax { return "\(nanoseconds)n" }
  }
  if seconds < 99 { return "\(seconds * 1_000_000 + (attoseconds + 999_999_999_999) / 1_000_000_000_000)u" }
  if seconds < 99_999 { return "\(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)m" }
  if seconds < nanosecondsMax { return "\(seconds + (attoseconds > 0 ? 1 : 0))S" }
  return "\(min(nanosecondsMax, seconds / 3600 + 1))H"
}
