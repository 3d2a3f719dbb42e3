import HTTP2

/// A client and a server in memory.
struct Pair {
  let client: RecordingConnection
  let server: RecordingConnection

  init(_ change: (inout HTTP2Settings) -> Void = { _ in }) throws {
    var settings = HTTP2Settings()
    change(&settings)
    client = try RecordingConnection(.client, settings: HTTP2Settings())
    server = try RecordingConnection(.server, settings: settings)
  }

  /// Carries bytes until neither end has more to say.
  func exchange() throws {
    while true {
      let toServer = try client.output()
      if !toServer.isEmpty { try server.receive(toServer) }
      let toClient = try server.output()
      if !toClient.isEmpty { try client.receive(toClient) }
      if toServer.isEmpty, toClient.isEmpty { return }
    }
  }
}

extension HeaderBlock {
  static let request = HeaderBlock([
    (":method", "POST"), (":scheme", "http"), (":path", "/test.Calls/Unary"), (":authority", "localhost"),
    ("content-type", "application/grpc"), ("te", "trailers"),
  ])
  static let response = HeaderBlock([(":status", "200"), ("content-type", "application/grpc")])
  static let trailers = HeaderBlock([("grpc-status", "0")])
}

/// The frames of a stretch of output (RFC 9113 section 4.1).
struct Frame: Equatable {
  enum Kind: UInt8 {
    case data = 0
    case headers = 1
    case priority = 2
    case resetStream = 3
    case settings = 4
    case pushPromise = 5
    case ping = 6
    case goAway = 7
    case windowUpdate = 8
    case continuation = 9
  }

  static let endStream: UInt8 = 0x1
  static let ack: UInt8 = 0x1
  static let endHeaders: UInt8 = 0x4
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  let kind: Kind
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: [UInt8] = []

  var bytes: [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), kind.rawValue, flags]
      + stream.bigEndianBytes + payload
  }

  /// A literal header field without indexing, with a new name (RFC 7541 section 6.2.2); names and values of at most
  /// 126 bytes.
  static func literal(_ name: String, _ value: String) -> [UInt8] {
    [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
  }

  static func request(on stream: UInt32, isEnd: Bool = false) -> Frame {
    let fields = [(":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "localhost")]
    return Frame(
      kind: .headers, flags: endHeaders | (isEnd ? endStream : 0), stream: stream,
      payload: fields.flatMap { literal($0.0, $0.1) })
  }

  static func parse(_ bytes: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      guard let kind = Kind(rawValue: head[3]), rest.count >= 9 + count else { return frames }
      let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      frames.append(
        Frame(kind: kind, flags: head[4], stream: stream, payload: Array(rest.dropFirst(9).prefix(count))))
      rest = rest.dropFirst(9 + count)
    }
    return frames
  }
}

extension UInt32 {
  var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
