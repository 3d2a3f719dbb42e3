/// Why a text is not JSON within its bounds.
public struct JSONSyntaxError: Error, Hashable, Sendable {
  /// The offset of the byte that does not fit, from 0.
  public let offset: Int
  /// What was expected there.
  public let expected: String
}

extension JSONValue {
  /// Decodes one JSON text in UTF-8, with arrays and objects at most `depthMax` deep, the outermost counting as 1.
  ///
  /// Of a key that appears twice the last value counts. Numbers that no double can hold are errors.
  public static func decode(_ text: some Sequence<UInt8>, depthMax: Int) throws(JSONSyntaxError) -> JSONValue {
    var decoder = JSONDecoder(bytes: Array(text))
    let value = try decoder.value(depthLeft: depthMax)
    decoder.skipSpace()
    guard decoder.isAtEnd else { throw decoder.error("the end of the text") }
    return value
  }
}

/// Reads one value after another; its recursion is bounded by `depthLeft`.
private struct JSONDecoder {
  let bytes: [UInt8]
  var offset = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { offset == bytes.count }
  var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  func error(_ expected: String) -> JSONSyntaxError {
    JSONSyntaxError(offset: offset, expected: expected)
  }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { offset += 1 }
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  mutating func value(depthLeft: Int) throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depthLeft: depthLeft)
    case UInt8(ascii: "["): return try array(depthLeft: depthLeft)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: return .number(try number())
    }
  }

  mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    let matches = text.withUTF8Buffer { bytes[offset...].starts(with: $0) }
    guard matches else { throw error("a value") }
    offset += text.utf8CodeUnitCount
    return value
  }

  mutating func object(depthLeft: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depthLeft > 0 else { throw error("less nesting") }
    offset += 1
    var members: [String: JSONValue] = [:]
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw error("':'") }
      members[key] = try value(depthLeft: depthLeft - 1)
      skipSpace()
    } while take(",")
    guard take("}") else { throw error("',' or '}'") }
    return .object(members)
  }

  mutating func array(depthLeft: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depthLeft > 0 else { throw error("less nesting") }
    offset += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return .array(elements) }
    repeat {
      elements.append(try value(depthLeft: depthLeft - 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw error("',' or ']'") }
    return .array(elements)
  }

  mutating func digits() throws(JSONSyntaxError) {
    let start = offset
    while let byte = next, isDigit(byte) { offset += 1 }
    guard offset > start else { throw error("a digit") }
  }

  mutating func number() throws(JSONSyntaxError) -> Double {
    let start = offset
    _ = take("-")
    guard let first = next, isDigit(first) else { throw error("a value") }
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
    guard let number = Double(String(decoding: bytes[start..<offset], as: UTF8.self)), number.isFinite else {
      throw JSONSyntaxError(offset: start, expected: "a number that a double can hold")
    }
    return number
  }

  mutating func string() throws(JSONSyntaxError) -> String {
    offset += 1
    let start = offset
    while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { offset += 1 }
    if next == UInt8(ascii: "\"") {
      defer { offset += 1 }
      return try text(bytes[start..<offset], at: start)
    }
    return try escapedString(prefix: bytes[start..<offset], start: start)
  }

  private mutating func escapedString(prefix: ArraySlice<UInt8>, start: Int) throws(JSONSyntaxError) -> String {
    var output = Array(prefix)
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return try text(output[...], at: start)
      case UInt8(ascii: "\\"):
        offset += 1
        try escape(into: &output)
      case 0..<0x20: throw error("an escaped control character")
      default:
        output.append(byte)
        offset += 1
      }
    }
    throw error("'\"'")
  }

  private func text(_ bytes: ArraySlice<UInt8>, at start: Int) throws(JSONSyntaxError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw JSONSyntaxError(offset: start, expected: "UTF-8")
    }
    return text
  }

  private mutating func escape(into output: inout [UInt8]) throws(JSONSyntaxError) {
    guard let byte = next else { throw error("an escape") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
    case UInt8(ascii: "b"): output.append(0x08)
    case UInt8(ascii: "f"): output.append(0x0c)
    case UInt8(ascii: "n"): output.append(0x0a)
    case UInt8(ascii: "r"): output.append(0x0d)
    case UInt8(ascii: "t"): output.append(0x09)
    case UInt8(ascii: "u"): output.append(contentsOf: String(Character(try escapedScalar())).utf8)
    default: throw JSONSyntaxError(offset: offset - 1, expected: "an escape")
    }
  }

  private mutating func escapedScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let start = offset
    let first = try codeUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, take("\\"), take("u") else {
      throw JSONSyntaxError(offset: start, expected: "a pair of surrogates")
    }
    let second = try codeUnit()
    guard (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
    else { throw JSONSyntaxError(offset: start, expected: "a pair of surrogates") }
    return scalar
  }

  private mutating func codeUnit() throws(JSONSyntaxError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = hexDigitValue(byte) else { throw error("a hexadecimal digit") }
      unit = unit << 4 | UInt16(digit)
      offset += 1
    }
    return unit
  }
}

func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
