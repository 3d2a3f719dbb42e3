// `grpc-message` (grpc/doc/PROTOCOL-HTTP2.md, "Responses"): UTF-8, in which everything but space to tilde
// without percent is percent-encoded. A decoder takes what it is given and never fails. Spaces at either end are encoded
// too: receivers may strip them, or refuse the field (RFC 9113 section 8.2.1).

/// The percent-encoded form of a status message.
public func percentEncoded(_ message: String) -> String {
  let space = UInt8(ascii: " ")
  guard message.utf8.first == space || message.utf8.last == space || message.utf8.contains(where: { !isUnreserved($0) })
  else { return message }
  var encoded: [UInt8] = []
  encoded.reserveCapacity(message.utf8.count + 16)
  let bytes = Array(message.utf8)
  for (index, byte) in bytes.enumerated() {
    let isAtEnd = index == 0 || index == bytes.count - 1
    if isUnreserved(byte), !(byte == space && isAtEnd) {
      encoded.append(byte)
    } else {
      encoded.append(UInt8(ascii: "%"))
      encoded.append(hexDigits[Int(byte >> 4)])
      encoded.append(hexDigits[Int(byte & 15)])
    }
  }
  return String(decoding: encoded, as: UTF8.self)
}

/// The message that was percent-encoded. What is not an escape stands for itself; bytes that are not UTF-8 are
/// replaced by U+FFFD.
public func percentDecoded(_ text: String) -> String {
  let bytes = Array(text.utf8)
  guard bytes.contains(UInt8(ascii: "%")) else { return text }
  var decoded: [UInt8] = []
  decoded.reserveCapacity(bytes.count)
  var index = 0
  while index < bytes.count {
    if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = hexValue(bytes[index + 1]),
      let low = hexValue(bytes[index + 2])
    {
      decoded.append(high << 4 | low)
      index += 3
    } else {
      decoded.append(bytes[index])
      index += 1
    }
  }
  return String(decoding: decoded, as: UTF8.self)
}

private let hexDigits = Array("0123456789ABCDEF".utf8)

private func isUnreserved(_ byte: UInt8) -> Bool {
  (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "%")
}

private func hexValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}
