extension JSONValue {
  /// The compact text: no spaces, keys sorted by their bytes, only what must be escaped is escaped, integers up to
  /// 2^53 without a fraction.
  ///
  /// A number that is not finite becomes `null`. The value's depth is the caller's to bound.
  public var compactText: String {
    var output: [UInt8] = []
    encode(into: &output)
    return String(decoding: output, as: UTF8.self)
  }

  /// The length of `compactText` in bytes of UTF-8.
  public var compactByteCount: Int {
    var output: [UInt8] = []
    encode(into: &output)
    return output.count
  }

  /// Appends the compact text, in UTF-8, to `output`.
  public func encode(into output: inout [UInt8]) {
    switch self {
    case .null: output.append(contentsOf: "null".utf8)
    case .bool(let value): output.append(contentsOf: value ? "true".utf8 : "false".utf8)
    case .number(let value): Self.encode(value, into: &output)
    case .string(let text): Self.encode(text, into: &output)
    case .array(let elements): Self.encode(elements, into: &output)
    case .object(let members): Self.encode(members, into: &output)
    }
  }

  private static func encode(_ elements: [JSONValue], into output: inout [UInt8]) {
    output.append(UInt8(ascii: "["))
    var isFirst = true
    for element in elements {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      element.encode(into: &output)
    }
    output.append(UInt8(ascii: "]"))
  }

  private static func encode(_ members: [String: JSONValue], into output: inout [UInt8]) {
    output.append(UInt8(ascii: "{"))
    var isFirst = true
    for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      if !isFirst { output.append(UInt8(ascii: ",")) }
      isFirst = false
      encode(key, into: &output)
      output.append(UInt8(ascii: ":"))
      value.encode(into: &output)
    }
    output.append(UInt8(ascii: "}"))
  }

  private static func encode(_ number: Double, into output: inout [UInt8]) {
    guard number.isFinite else {
      output.append(contentsOf: "null".utf8)
      return
    }
    let exactIntegersMax = 9_007_199_254_740_992.0
    if abs(number) <= exactIntegersMax, number == number.rounded(), !(number == 0 && number.sign == .minus) {
      output.append(contentsOf: Int64(number).description.utf8)
    } else {
      output.append(contentsOf: number.description.utf8)
    }
  }

  private static func encode(_ text: String, into output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        output.append(UInt8(ascii: "\\"))
        output.append(byte)
      case 0x08: output.append(contentsOf: "\\b".utf8)
      case 0x09: output.append(contentsOf: "\\t".utf8)
      case 0x0a: output.append(contentsOf: "\\n".utf8)
      case 0x0c: output.append(contentsOf: "\\f".utf8)
      case 0x0d: output.append(contentsOf: "\\r".utf8)
      case 0..<0x20:
        output.append(contentsOf: "\\u00".utf8)
        output.append(hexDigit(byte >> 4))
        output.append(hexDigit(byte & 15))
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}
