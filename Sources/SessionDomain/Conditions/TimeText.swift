// Times as conditions write them: RFC 3339 section 5.6, within the years of google.protobuf.Timestamp.

extension Timestamp {
  private static let microsecondsMin: Int64 = -62_135_596_800_000_000
  private static let microsecondsMax: Int64 = 253_402_300_799_999_999

  /// The moment that many milliseconds after 1970, to the microsecond; nil outside the years 1 to 9999.
  init?(milliseconds: Double) {
    // Apart, since from the year 2255 on a double cannot count every microsecond.
    let whole = milliseconds.rounded(.down)
    guard let scaled = Int64(exactly: whole)?.multipliedReportingOverflow(by: 1000), !scaled.overflow else {
      return nil
    }
    let microseconds = scaled.partialValue.addingReportingOverflow(Int64(((milliseconds - whole) * 1000).rounded()))
    guard !microseconds.overflow, (Self.microsecondsMin...Self.microsecondsMax).contains(microseconds.partialValue)
    else { return nil }
    self.init(microseconds: microseconds.partialValue)
  }

  /// The moment of an RFC 3339 date and time with an offset; nil if it is none or outside the years 1 to 9999.
  ///
  /// A space may stand for the `T`. Digits beyond the microsecond are dropped. A leap second is the second after it.
  init?(rfc3339 text: String) {
    var reader = TimeReader(text)
    guard let microseconds = reader.dateTime(),
      (Self.microsecondsMin...Self.microsecondsMax).contains(microseconds)
    else { return nil }
    self.init(microseconds: microseconds)
  }
}

private struct TimeReader {
  private var rest: Substring.UTF8View

  init(_ text: String) {
    rest = text[...].utf8
  }

  /// Microseconds since 1970; nil if anything is wrong or left over.
  mutating func dateTime() -> Int64? {
    guard let days = date(), take("T", "t", " "), let time = timeOfDay(), let offset = offset(), rest.isEmpty else {
      return nil
    }
    return (days * 86_400 + time.seconds - offset) * 1_000_000 + time.microseconds
  }

  /// Days since 1970 in the Gregorian calendar.
  private mutating func date() -> Int64? {
    guard let year = number(digits: 4), take("-"), let month = number(digits: 2), take("-"),
      let day = number(digits: 2), (1...9999).contains(year), (1...12).contains(month),
      (1...Self.days(month: month, year: year)).contains(day)
    else { return nil }
    // Years that begin in March put the leap day at the end of the year, where it moves no other.
    let shiftedYear = month > 2 ? year : year - 1
    let shiftedMonth = month > 2 ? month - 3 : month + 9
    let daysBeforeMonth = (153 * shiftedMonth + 2) / 5
    let daysBeforeYear = 365 * shiftedYear + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400
    return daysBeforeYear + daysBeforeMonth + day - 1 - 719_468
  }

  private mutating func timeOfDay() -> (seconds: Int64, microseconds: Int64)? {
    guard let hour = number(digits: 2), take(":"), let minute = number(digits: 2), take(":"),
      let second = number(digits: 2), hour < 24, minute < 60, second < 60 || second == 60 && minute == 59
    else { return nil }
    var microseconds: Int64 = 0
    if take(".") {
      guard let fraction = fraction() else { return nil }
      microseconds = fraction
    }
    return (hour * 3600 + minute * 60 + second, microseconds)
  }

  private mutating func fraction() -> Int64? {
    var microseconds: Int64 = 0
    var digits = 0
    while let digit = digit() {
      if digits < 6 { microseconds = microseconds * 10 + digit }
      digits += 1
    }
    guard digits > 0 else { return nil }
    for _ in min(digits, 6)..<6 { microseconds *= 10 }
    return microseconds
  }

  /// Seconds east of UTC.
  private mutating func offset() -> Int64? {
    if take("Z", "z") { return 0 }
    let sign: Int64 = take("+") ? 1 : -1
    guard sign == 1 || take("-"), let hour = number(digits: 2), take(":"), let minute = number(digits: 2),
      hour < 24, minute < 60
    else { return nil }
    return sign * (hour * 3600 + minute * 60)
  }

  private mutating func number(digits: Int) -> Int64? {
    var number: Int64 = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      number = number * 10 + digit
    }
    return number
  }

  private mutating func digit() -> Int64? {
    guard let byte = rest.first, isDigit(byte) else { return nil }
    rest.removeFirst()
    return Int64(byte - UInt8(ascii: "0"))
  }

  private mutating func take(_ characters: Unicode.Scalar...) -> Bool {
    guard let byte = rest.first, characters.contains(where: { $0.value == byte }) else { return false }
    rest.removeFirst()
    return true
  }

  private static func days(month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
