/// Writes protobuf's wire format by hand, right or wrong.
struct WireBytes {
  private(set) var bytes: [UInt8] = []

  static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  static func tag(_ field: UInt64, _ wireType: UInt64) -> [UInt8] { varint(field << 3 | wireType) }

  /// A length-delimited field.
  static func field(_ number: UInt64, _ body: [UInt8]) -> [UInt8] {
    tag(number, 2) + varint(UInt64(body.count)) + body
  }

  /// A length-delimited field around itself, `depth` times.
  static func nested(_ number: UInt64, depth: Int) -> [UInt8] {
    // From the inside out, each level only its tag and length: the bytes are written back to front.
    var reversed: [UInt8] = []
    for _ in 0..<depth {
      let head = tag(number, 2) + varint(UInt64(reversed.count))
      reversed += head.reversed()
    }
    return reversed.reversed()
  }
}
