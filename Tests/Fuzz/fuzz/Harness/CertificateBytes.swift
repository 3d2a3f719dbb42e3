/// Nodes of ASN.1's distinguished encoding (X.690).
enum DER {
  static func node(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    if content.count < 128 { return [tag, UInt8(content.count)] + content }
    return [tag, 0x82, UInt8(content.count >> 8 & 255), UInt8(content.count & 255)] + content
  }

  static func node(_ tag: UInt8, _ nodes: [[UInt8]]) -> [UInt8] { node(tag, Array(nodes.joined())) }

  /// A certificate (RFC 5280 section 4.1) with `subject` where its subject belongs, and else as sound as one can be that
  /// nobody has signed.
  static func certificate(subject: [UInt8]) -> [UInt8] {
    let content = [
      node(0xA0, [2, 1, 2]), [2, 1, 1], ecdsa, node(0x30, [UInt8]()),
      node(0x30, [node(23, Array("250101000000Z".utf8)), node(23, Array("350101000000Z".utf8))]), subject, publicKey,
    ]
    return node(0x30, [node(0x30, content), ecdsa, node(3, [0] + node(0x30, [2, 1, 1, 2, 1, 1]))])
  }

  // With SHA-256 (RFC 5758 section 3.2).
  private static let ecdsa = node(0x30, [6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2])

  // The generator of P-256, whose secret key is 1 (RFC 5480 section 2).
  private static let publicKey = node(
    0x30,
    [
      node(0x30, [6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]),
      node(3, [0, 4] + generator.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - $0 * 8)) } }),
    ])
  private static let generator: [UInt64] = [
    0x6B17_D1F2_E12C_4247, 0xF8BC_E6E5_63A4_40F2, 0x7703_7D81_2DEB_33A0, 0xF4A1_3945_D898_C296,
    0x4FE3_42E2_FE1A_7F9B, 0x8EE7_EB4A_7C0F_9E16, 0x2BCE_3357_6B31_5ECE, 0xCBB6_4068_37BF_51F5,
  ]
}

/// A subject as RFC 4514 writes it, taken apart at the characters that are not escaped.
struct WrittenSubject {
  /// The values of each part: most parts have one.
  private(set) var parts: [[String]] = []

  init(_ text: String) {
    var value: [UInt8] = []
    var values: [String] = []
    // A type goes up to the first equals sign, and has nothing that is escaped.
    var isType = true
    var isEscaped = false
    for byte in text.utf8 {
      switch byte {
      case _ where isEscaped:
        value.append(byte)
        isEscaped = false
      case UInt8(ascii: "\\"): isEscaped = true
      case UInt8(ascii: "=") where isType: isType = false
      case UInt8(ascii: ","), UInt8(ascii: "+"):
        values.append(String(decoding: value, as: UTF8.self))
        value = []
        isType = true
        if byte == UInt8(ascii: ",") {
          parts.append(values)
          values = []
        }
      case _ where isType: break
      default: value.append(byte)
      }
    }
    parts.append(values + [String(decoding: value, as: UTF8.self)])
  }
}
