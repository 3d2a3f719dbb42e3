import Glibc
import SessionDomain

@testable import SessionDomain
@testable import SessionStore

extension FuzzTarget {
  static let queries = [condition, order, pageToken, pageTokenBodies, time, milliseconds]

  private static let fields = [
    "id", "type", "name", "status", "parentId", "createdAt", "started_at", "revision", "metadata->>'k'",
    "environment->>'k'", "capabilities", "constraints",
  ]
  private static let keywords = [
    " AND ", " OR ", "NOT ", " IN (", " LIKE ", " IS NULL", " BETWEEN ", " HAS ", "->", "->>", "?", "true", "'ACTIVE'",
    "'2025-01-01T00:00:00Z'", "<=", "<>", "(", ")", "''",
  ]
  private static let conditions = [
    "name = 'a'",
    "NOT (metadata->'o'->>'b''c' NOT BETWEEN -1.5e3 AND 9 OR status IN ('ACTIVE', 'SESSION_STATUS_IDLE'))",
    "capabilities HAS 'x' AND createdAt >= '2025-01-01T00:00:00.5+01:00' AND name IS NOT NULL", "name LIKE 'a%_'",
    "((((type = 'DIRECTOR'))))", "environment->>'k' IN (1, true, 'a')", "metadata->>'\"' = 1", "revision <> 1e5",
  ]

  /// Parameters, and a text.
  private static let condition = FuzzTarget(
    "condition",
    seeds: conditions.map { [0] + Array($0.utf8) } + [
      [1, 2, 5] + Array("metadata->>'k' = ?".utf8), [2, 0, 3, 1, 97] + Array("name IN (?, ?)".utf8),
    ], words: fields + keywords
  ) { input in
    let parameters = (0..<input.takeByte() % 4).map { _ in parameter(&input) }
    let text = String(decoding: input.takeRest(), as: UTF8.self)
    let condition: Condition
    do throws(ConditionError) {
      condition = try Condition.parse(text, parameters: parameters)
    } catch {
      return check(error, text)
    }
    let truths = try database.truths(condition)
    // Where parentheses may go one deeper, the opposite has the opposite truth, and unknown stays unknown.
    guard let opposite = try? Condition.parse("NOT (\(text))", parameters: parameters) else { return }
    expect(try database.truths(opposite) == truths.map { $0.map { !$0 } }, "NOT is no opposite")
  }

  private static func parameter(_ input: inout FuzzInput) -> ConditionValue {
    switch input.takeByte() % 5 {
    case 0: .null
    case 1: .bool(input.takeByte() & 1 == 1)
    case 2: .number(Double(input.takeByte()))
    case 3: .string(input.takeText())
    default: .number(Double(bitPattern: input.takeInteger()))
    }
  }

  private static let order = FuzzTarget(
    "order", texts: fields + ["metadata->'a'->>'b''c'", "metadata->'\"'->>''"], words: keywords
  ) { text in
    let field: SessionField
    do throws(ConditionError) {
      field = try OrderField.parse(text)
    } catch {
      return check(error, text)
    }
    expect(try OrderField.parse(field.description) == field, "\(field) is another field")
    _ = try database.values(field)
  }

  private static func check(_ error: ConditionError, _ text: String) {
    let scalars = text.unicodeScalars.count
    expect((1...scalars + 1).contains(error.position), "\(error) is not in a text of \(scalars)")
    expect(!error.expected.isEmpty && error.found.unicodeScalars.count <= 42, "\(error)")
    expect(!error.found.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(error)")
  }

  static let database = SessionTable()

  private static let pageToken = FuzzTarget(
    "page-token",
    texts: [
      PageToken(fingerprint: 7, values: [.text("a"), .integer(-1), .real(0.5), .null]).text,
      PageToken(fingerprint: .max, values: []).text, "AQ", "",
    ]
  ) { text in
    guard let token = PageToken(text) else { return }
    expect(token.text == text, "\(text) became \(token.text)")
  }

  /// What is in a token, of which the checksum is right.
  private static let pageTokenBodies = FuzzTarget(
    "page-token-bodies",
    seeds: [
      [1, 0, 0, 0, 0, 0, 0, 0, 7, 3, 0, 0, 0, 0, 0, 0, 0, 1, 97, 0], [1, 0, 0, 0, 0, 0, 0, 0, 7, 1] + [UInt8](1...8),
      [1, 0, 0, 0, 0, 0, 0, 0, 7, 2] + [UInt8](1...8),
      [1, 0, 0, 0, 0, 0, 0, 0, 7, 3] + Array(repeating: 255, count: 9),
    ]
  ) { input in
    var bytes = input.takeRest()
    var hash = StableHash()
    hash.combine(bytes)
    withUnsafeBytes(of: hash.value.bigEndian) { bytes += $0 }
    let text = Base64URL.encode(bytes)
    expect(Base64URL.decode(text) == bytes, "bytes differ after encoding")
    guard let token = PageToken(text) else { return }
    expect(token.text == text, "\(text) became \(token.text)")
  }

  private static let time = FuzzTarget(
    "time",
    texts: [
      "2025-01-01T00:00:00Z", "2024-02-29t23:59:60.123456789+23:59", "0001-01-01 00:00:00-00:00",
      "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999-00:01", "1900-02-29T00:00:00Z",
    ]
  ) { text in
    guard let time = Timestamp(rfc3339: text) else { return }
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int32 { Int32(String(decoding: bytes[range], as: UTF8.self)) ?? -1 }
    var parts = tm()
    parts.tm_year = number(0..<4) - 1900
    parts.tm_mon = number(5..<7) - 1
    parts.tm_mday = number(8..<10)
    parts.tm_hour = number(11..<13)
    parts.tm_min = number(14..<16)
    let second = number(17..<19)
    parts.tm_sec = min(second, 59)
    var seconds = timegm(&parts) + Int(second - parts.tm_sec)
    // What is no day, `timegm` takes for a later one.
    expect(parts.tm_mday == number(8..<10) && parts.tm_hour == number(11..<13), "\(text) is no time")
    if bytes.last.map({ $0 | 0x20 }) != UInt8(ascii: "z") {
      let east = number(bytes.count - 5..<bytes.count - 3) * 3600 + number(bytes.count - 2..<bytes.count) * 60
      seconds -= Int(bytes[bytes.count - 6] == UInt8(ascii: "-") ? -east : east)
    }
    let (whole, fraction) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    expect(Int(fraction < 0 ? whole - 1 : whole) == seconds, "\(text) is \(time.microseconds), not \(seconds) s")
  }

  private static let milliseconds = FuzzTarget(
    "milliseconds",
    seeds: [[], Array(repeating: 255, count: 8), [0x42, 0x70, 0, 0, 0, 0, 0, 1], [0x7F, 0xF0], [0xC3, 0x08]]
  ) { input in
    let milliseconds = Double(bitPattern: input.takeInteger())
    guard let time = Timestamp(milliseconds: milliseconds) else { return }
    let difference = abs(Double(time.microseconds) / 1000 - milliseconds)
    expect(difference <= max(0.001, milliseconds.ulp), "\(milliseconds) ms is \(time.microseconds)")
  }
}
