// Base64 of `-bin` metadata (RFC 4648 section 4): senders leave the padding out, receivers take both forms
// (grpc/doc/PROTOCOL-HTTP2.md, "Binary-Header").

/// The unpadded base64 form of `bytes`.
public func base64Encoded(_ bytes: [UInt8]) -> String {
  var encoded: [UInt8] = []
  encoded.reserveCapacity((bytes.count * 4 + 2) / 3)
  var buffer: UInt32 = 0
  var bits: UInt32 = 0
  for byte in bytes {
    buffer = buffer << 8 | UInt32(byte)
    bits += 8
    while bits >= 6 {
      bits -= 6
      encoded.append(alphabet[Int(buffer >> bits & 63)])
    }
  }
  if bits > 0 { encoded.append(alphabet[Int(buffer << (6 - bits) & 63)]) }
  return String(decoding: encoded, as: UTF8.self)
}

/// The bytes of base64 text, padded or not; nil for anything else.
public func base64Decoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
  var decoded: [UInt8] = []
  var buffer: UInt32 = 0
  var bits: UInt32 = 0
  var digits = 0
  var padding = 0
  for byte in text {
    if byte == UInt8(ascii: "=") {
      padding += 1
      continue
    }
    guard padding == 0, let digit = value(of: byte) else { return nil }
    digits += 1
    buffer = buffer << 6 | digit
    bits += 6
    if bits >= 8 {
      bits -= 8
      decoded.append(UInt8(truncatingIfNeeded: buffer >> bits))
    }
  }
  guard digits % 4 != 1, padding == 0 || (digits + padding) % 4 == 0 && padding <= 2 else { return nil }
  return decoded
}

private let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

private func value(of byte: UInt8) -> UInt32? {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
  case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
