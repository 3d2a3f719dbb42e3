/// A frame of HTTP/2 and what a client writes of them (RFC 9113), for as much of the protocol as calls take.
struct HTTP2Frame<Payload> {
  /// nil for those that calls do not need.
  let kind: HTTP2.Kind?
  let flags: UInt8
  let stream: UInt32
  let payload: Payload
}

/// What frames are made of, and headers in them.
enum HTTP2 {
  enum Kind: UInt8 {
    case data = 0
    case headers = 1
    case resetStream = 3
    case settings = 4
    case goAway = 7
    case windowUpdate = 8
  }

  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let headBytes = 9
  /// SETTINGS_MAX_FRAME_SIZE as it stands until changed (RFC 9113 section 6.5.2).
  static let payloadBytesMax = 16_384
  static let acknowledged: UInt8 = 0x1
  static let endStream: UInt8 = 0x1
  static let endHeaders: UInt8 = 0x4

  static func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    bigEndian(UInt32(payload.count)).dropFirst() + [kind.rawValue, flags] + bigEndian(stream) + payload
  }

  static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

  /// A header field with a name from the static table, after the bits that say whether it enters the dynamic one
  /// (RFC 7541 section 6.2 and appendix A).
  static func literal(_ name: [UInt8], _ value: String) -> [UInt8] { name + text(value) }

  /// A text without Huffman's code (RFC 7541 section 5.2).
  static func text(_ value: String) -> [UInt8] {
    let bytes = Array(value.utf8)
    return (bytes.count < 127 ? [UInt8(bytes.count)] : [127] + Requests.varint(UInt64(bytes.count - 127))) + bytes
  }
}
