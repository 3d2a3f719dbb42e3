import SessionDomain
import Testing

struct TimeTextTests {
  private func time(_ value: ConditionValue) throws -> Timestamp? {
    let condition = try Condition.parse("createdAt = ?", parameters: [value])
    guard case .test(.compare(.createTime, .equal, .time(let time))) = condition else { return nil }
    return time
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00z", 0), ("1970-01-01 00:00:00Z", 0),
    ("1970-01-01T00:00:00+00:00", 0), ("1970-01-01T00:00:00-00:00", 0), ("1969-12-31T23:59:59Z", -1_000_000),
    ("1970-01-01T01:30:00+01:30", 0), ("1969-12-31T16:00:00-08:00", 0), ("1970-01-01T00:00:00.5Z", 500_000),
    ("1970-01-01T00:00:00.000001Z", 1), ("1970-01-01T00:00:00.000001999Z", 1),
    ("2000-02-29T12:34:56.789Z", 951_827_696_789_000), ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ("2025-11-22T11:30:56Z", 1_763_811_056_000_000), ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
    ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ("1900-03-01T00:00:00Z", -2_203_891_200_000_000),
  ])
  func timesAreRead(text: String, microseconds: Int64) throws {
    #expect(try time(.string(text)) == Timestamp(microseconds: microseconds))
  }

  @Test(arguments: [
    (0.0, 0), (1, 1000), (-1, -1000), (0.5, 500), (1_763_811_056_123, 1_763_811_056_123_000),
    (1_763_811_056_123.456, 1_763_811_056_123_456), (253_402_300_799_999, 253_402_300_799_999_000),
  ])
  func numbersAreMilliseconds(milliseconds: Double, microseconds: Int64) throws {
    #expect(try time(.number(milliseconds)) == Timestamp(microseconds: microseconds))
  }

  @Test(arguments: [
    "", "Z", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00Z", "1970-1-1T00:00:00Z", "1970-13-01T00:00:00Z",
    "1970-00-01T00:00:00Z", "1970-01-00T00:00:00Z", "1970-01-32T00:00:00Z", "1970-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z", "1970-04-31T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
    "1970-01-01T00:00:60Z", "1970-01-01T00:59:61Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00,5Z",
    "1970-01-01T00:00:00+0000", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+00:60", "1970-01-01T00:00:00ZZ",
    " 1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z ", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "1970-01-01T00:00:00Z\u{301}",
    "\u{0661}970-01-01T00:00:00Z", "1970/01/01T00:00:00Z", "1970-01-01_00:00:00Z",
  ])
  func whatIsNoTimeIsRefused(text: String) {
    #expect(throws: ConditionError.self) { try time(.string(text)) }
  }

  @Test(arguments: [253_402_300_800_000, -62_135_596_800_001, 1e30, -1e300, Double.greatestFiniteMagnitude])
  func numbersOutsideTheYearsAreRefused(milliseconds: Double) {
    #expect(throws: ConditionError.self) { try time(.number(milliseconds)) }
  }
}
