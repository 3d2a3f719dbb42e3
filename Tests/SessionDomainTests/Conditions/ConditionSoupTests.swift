import SessionDomain
import Testing

/// SplitMix64: the same numbers for the same seed, everywhere.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

struct ConditionSoupTests {
  private static let pieces = [
    "name", "status", "type", "createdAt", "revision", "metadata", "environment", "capabilities", "constraints", "AND",
    "OR", "NOT", "IN", "LIKE", "IS", "NULL", "BETWEEN", "HAS", "true", "false", "=", "!=", "<>", "<", "<=", ">", ">=",
    "->", "->>", "(", ")", ",", "?", "'", "''", "'a'", "'ACTIVE'", "'2025-01-01T00:00:00Z'", "0", "-1", "1e5", "1e999",
    "9", ".", "-", "e", "\"", "\\", "\0", "\u{e9}", "\u{1F600}", "\u{301}", "\n", "--", "/*", ";", "$", "[",
    "metadata->>'k'",
    "name = 'a'", "name IS NULL", "(((((((((((",
  ]

  /// Any text parses or is refused at a place within it; what was refused is quoted in short.
  private func check(_ text: String, _ parameters: [ConditionValue]) {
    do {
      _ = try Condition.parse(text, parameters: parameters)
    } catch {
      #expect((1...text.unicodeScalars.count + 1).contains(error.position), "\(text.debugDescription)")
      #expect(!error.expected.isEmpty && error.found.unicodeScalars.count <= 42, "\(text.debugDescription)")
    }
  }

  @Test(arguments: UInt64(1)...20)
  func soupOfTokensNeverCrashesTheParser(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    for _ in 0..<500 {
      let count = Int.random(in: 0...40, using: &generator)
      let separator = Bool.random(using: &generator) ? " " : ""
      let text = (0..<count).map { _ in Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &generator)] }
      let marks = Int.random(in: 0...4, using: &generator)
      check(text.joined(separator: separator), Array(repeating: .number(1), count: marks))
    }
  }

  @Test(arguments: UInt64(1)...20)
  func soupOfBytesNeverCrashesTheParser(seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      check(String(decoding: bytes, as: UTF8.self), [])
    }
  }

  @Test func everyPrefixOfAConditionParsesOrIsRefusedWithinItself() {
    let text = """
      NOT (metadata->'a'->>'b''c' NOT BETWEEN -1.5e3 AND ? OR status IN ('ACTIVE', 'SESSION_STATUS_IDLE')) AND \
      capabilities HAS '\u{e9}' OR createdAt >= '2025-01-01T00:00:00.5+01:00' AND name IS NOT NULL
      """
    let scalars = text.unicodeScalars
    for end in scalars.indices {
      check(String(scalars[..<end]), [.number(1)])
      var without = scalars
      without.remove(at: end)
      check(String(without), [.number(1)])
    }
    #expect(throws: Never.self) { try Condition.parse(text, parameters: [.number(1)]) }
  }

  @Test func deepAndLongTextsAreRefusedAtOnce() {
    for text in ["(", "NOT (", "name = 'a' AND (", "NOT ", "'", "metadata->'a'", "->", "?", "-", "\u{1F600}"] {
      check(String(repeating: text, count: 2000 / text.utf8.count), [])
      check(String(repeating: text, count: 1_000_000 / text.utf8.count), [])
    }
  }
}
