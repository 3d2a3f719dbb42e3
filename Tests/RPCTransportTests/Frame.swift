import HTTP2

/// One frame of HTTP/2 as it stands on the wire (RFC 9113 section 4.1).
struct Frame: Sendable {
  static let endOfStream: UInt8 = 0x1
  static let acknowledgement: UInt8 = 0x1
  static let endOfHeaders: UInt8 = 0x4

  var type: FrameType
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: [UInt8] = []

  var bytes: [UInt8] {
    [UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 0xFF), UInt8(payload.count & 0xFF), type.rawValue, flags]
      + bigEndian(stream) + payload
  }

  /// What every connection of a client begins with (section 3.4), before its SETTINGS.
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  static func settings(_ entries: (id: UInt8, value: UInt32)...) -> Frame {
    Frame(type: .settings, payload: entries.flatMap { [0, $0.id] + bigEndian($0.value) })
  }

  static let ping = Frame(type: .ping, payload: [UInt8](repeating: 7, count: 8))

  static func windowUpdate(_ stream: UInt32, _ bytes: UInt32) -> Frame {
    Frame(type: .windowUpdate, stream: stream, payload: bigEndian(bytes))
  }

  /// The headers of a call, each field a literal without indexing (RFC 7541 section 6.2.2).
  static func headers(
    _ path: String, stream: UInt32, flags: UInt8 = endOfHeaders, _ more: [(String, String)] = []
  ) -> Frame {
    let fields = [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("te", "trailers"),
      ("content-type", "application/grpc"),
    ]
    var payload: [UInt8] = []
    for (name, value) in fields + more {
      payload.append(0)
      for text in [name, value] { payload += [UInt8(text.utf8.count)] + Array(text.utf8) }
    }
    return Frame(type: .headers, flags: flags, stream: stream, payload: payload)
  }

  /// An empty message, and that no more come.
  static func lastMessage(stream: UInt32) -> Frame {
    Frame(type: .data, flags: endOfStream, stream: stream, payload: [0, 0, 0, 0, 0])
  }
}

/// What a GOAWAY says (RFC 9113 section 6.8).
struct GoAway: Sendable, Equatable {
  /// The highest that a stream's identifier can be: none is refused yet.
  static let allStreams: UInt32 = 0x7FFF_FFFF

  let lastStream: UInt32
  let code: HTTP2ErrorCode
  var reason = ""
}

extension Frame {
  var goAway: GoAway? {
    guard type == .goAway, payload.count >= 8 else { return nil }
    return GoAway(
      lastStream: number(payload[0..<4]), code: HTTP2ErrorCode(rawValue: number(payload[4..<8])),
      reason: String(decoding: payload[8...], as: UTF8.self))
  }

  private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}

private func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
