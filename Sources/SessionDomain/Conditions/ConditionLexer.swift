/// One word, sign or literal of a condition.
struct ConditionToken: Equatable {
  enum Kind: Equatable {
    /// A keyword or a field: which of them is for the place to decide.
    case word(String)
    case text(String)
    case number(Double)
    case mark
    case symbol(Symbol)
    case end
  }

  enum Symbol: String {
    case equal = "="
    case notEqual = "!="
    case notEqualAlternative = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case arrow = "->"
    case textArrow = "->>"
    case open = "("
    case close = ")"
    case comma = ","
  }

  var kind: Kind
  /// In characters, from 1.
  var position: Int
  /// The bytes of the text that make up the token.
  var range: Range<Int>
}

/// Splits a condition's text into tokens, one at a time, in one pass over its bytes.
struct ConditionLexer {
  /// The longest text that is read, in bytes of UTF-8.
  static let textBytesMax = 4096

  private let bytes: [UInt8]
  private var offset = 0
  private var position = 1

  init(_ text: String) throws(ConditionError) {
    guard text.utf8.count <= Self.textBytesMax else {
      var bytes = 0
      let fitting = text.unicodeScalars.prefix { scalar in
        bytes += UTF8.width(scalar)
        return bytes <= Self.textBytesMax
      }
      throw ConditionError(
        position: fitting.count + 1, expected: "at most \(Self.textBytesMax) bytes of text",
        found: "\(text.utf8.count) bytes")
    }
    bytes = Array(text.utf8)
  }

  mutating func next() throws(ConditionError) -> ConditionToken {
    while offset < bytes.count, Self.isSpace(bytes[offset]) { skip(1) }
    let start = offset
    let startPosition = position
    let kind = try scan()
    return ConditionToken(kind: kind, position: startPosition, range: start..<offset)
  }

  /// The token as an error message shows it.
  func shown(_ token: ConditionToken) -> String {
    switch token.kind {
    case .end: "the end of the text"
    case .word, .text, .number, .mark, .symbol: shown(token.range)
    }
  }
}

extension ConditionLexer {
  private mutating func scan() throws(ConditionError) -> ConditionToken.Kind {
    guard offset < bytes.count else { return .end }
    switch bytes[offset] {
    case UInt8(ascii: "'"): return .text(try scanText())
    case UInt8(ascii: "?"):
      skip(1)
      return .mark
    case let byte where Self.isDigit(byte): return .number(try scanNumber())
    case UInt8(ascii: "-") where Self.isDigit(byte(at: offset + 1)): return .number(try scanNumber())
    case let byte where Self.isWordStart(byte): return .word(scanWord())
    default: return .symbol(try scanSymbol())
    }
  }

  private mutating func scanWord() -> String {
    let start = offset
    while Self.isWordPart(byte(at: offset)) { skip(1) }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  private mutating func scanSymbol() throws(ConditionError) -> ConditionToken.Symbol {
    for length in stride(from: 3, through: 1, by: -1) where offset + length <= bytes.count {
      let text = String(decoding: bytes[offset..<offset + length], as: UTF8.self)
      if let symbol = ConditionToken.Symbol(rawValue: text) {
        skip(length)
        return symbol
      }
    }
    var end = offset + 1
    while Self.isContinuation(byte(at: end)) { end += 1 }
    throw ConditionError(
      position: position, expected: "a field, a keyword, a value or an operator", found: shown(offset..<end))
  }

  private mutating func scanText() throws(ConditionError) -> String {
    let start = position
    skip(1)
    var text: [UInt8] = []
    while let byte = byte(at: offset) {
      switch byte {
      case 0:
        throw ConditionError(position: position, expected: "text without U+0000", found: "U+0000")
      case UInt8(ascii: "'") where self.byte(at: offset + 1) == UInt8(ascii: "'"):
        text.append(byte)
        skip(2)
      case UInt8(ascii: "'"):
        skip(1)
        return String(decoding: text, as: UTF8.self)
      default:
        text.append(byte)
        skip(1)
      }
    }
    throw ConditionError(
      position: position, expected: "a quote that ends the text begun at \(start)", found: "the end of the text")
  }

  private mutating func scanNumber() throws(ConditionError) -> Double {
    let start = offset
    let startPosition = position
    if bytes[offset] == UInt8(ascii: "-") { skip(1) }
    skipDigits()
    if byte(at: offset) == UInt8(ascii: "."), Self.isDigit(byte(at: offset + 1)) {
      skip(1)
      skipDigits()
    }
    if byte(at: offset) == UInt8(ascii: "e") || byte(at: offset) == UInt8(ascii: "E") {
      let sign = byte(at: offset + 1)
      let signed = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
      if Self.isDigit(byte(at: offset + (signed ? 2 : 1))) {
        skip(signed ? 2 : 1)
        skipDigits()
      }
    }
    let numberEnd = offset
    while Self.isWordPart(byte(at: offset)) || byte(at: offset) == UInt8(ascii: ".") { skip(1) }
    guard numberEnd == offset, let number = Double(String(decoding: bytes[start..<offset], as: UTF8.self)),
      number.isFinite
    else {
      throw ConditionError(
        position: startPosition, expected: "a number that a double can hold", found: shown(start..<offset))
    }
    return number
  }
}

extension ConditionLexer {
  private func byte(at index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

  private func shown(_ range: Range<Int>) -> String {
    ConditionError.quote(String(decoding: bytes[range], as: UTF8.self).unicodeScalars)
  }

  private mutating func skipDigits() {
    while Self.isDigit(byte(at: offset)) { skip(1) }
  }

  private mutating func skip(_ count: Int) {
    for byte in bytes[offset..<offset + count] where !Self.isContinuation(byte) { position += 1 }
    offset += count
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): true
    default: false
    }
  }

  private static func isDigit(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isWordStart(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    // Setting bit 5 makes ASCII letters lower case.
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
  }

  private static func isWordPart(_ byte: UInt8?) -> Bool { isWordStart(byte) || isDigit(byte) }

  private static func isContinuation(_ byte: UInt8?) -> Bool { byte.map { $0 & 0xC0 == 0x80 } ?? false }
}
