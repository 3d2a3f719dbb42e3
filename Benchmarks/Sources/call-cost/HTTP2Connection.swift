import Foundation

/// A client's end of an HTTP/2 connection (RFC 9113), for as much of the protocol as one call takes.
struct HTTP2Connection {
  private enum Kind: UInt8 {
    case data = 0
    case headers = 1
    case resetStream = 3
    case settings = 4
    case goAway = 7
  }

  private struct Frame {
    /// nil for those that one call does not need.
    let kind: Kind?
    let flags: UInt8
    let stream: UInt32
    let payload: [UInt8]
  }

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// SETTINGS_MAX_FRAME_SIZE as it stands until changed (RFC 9113 section 6.5.2).
  private static let payloadBytesMax = 16_384
  /// Of an exchange with a server in good order.
  private static let framesMax = 100
  private static let acknowledged: UInt8 = 0x1
  private static let endStream: UInt8 = 0x1
  private static let endHeaders: UInt8 = 0x4

  private let socket: LoopbackSocket

  /// Connects, and exchanges SETTINGS both ways.
  init(port: UInt16) throws {
    socket = try LoopbackSocket(port: port)
    try socket.write(Self.preface + Self.frame(.settings))
    var (toldTheirs, tookOurs) = (false, false)
    try readFrames { frame in
      guard frame.kind == .settings else { return true }
      if frame.flags & Self.acknowledged != 0 { tookOurs = true } else { toldTheirs = true }
      return !(toldTheirs && tookOurs)
    }
    try socket.write(Self.frame(.settings, flags: Self.acknowledged))
  }

  /// Makes the connection's first call, and gives the bytes of its reply: none if it failed.
  func firstCall(_ path: String, message: Data, authorization: String?) throws -> Data {
    // POST and http are in the static table; the rest goes into the server's dynamic table, as from grpc-go, and stays
    // there with the connection (RFC 7541 section 6.2.1 and appendix A).
    var headers: [UInt8] = [0x83, 0x86]
    headers += Self.literal(4, path) + Self.literal(1, "127.0.0.1") + Self.literal(31, "application/grpc")
    headers += [0x40] + Self.text("te") + Self.text("trailers")
    if let authorization { headers += Self.literal(23, authorization) }
    try socket.write(
      Self.frame(.headers, flags: Self.endHeaders, stream: 1, headers)
        + Self.frame(.data, flags: Self.endStream, stream: 1, Array(message)))
    var reply = Data()
    try readFrames { frame in
      guard frame.stream == 1 else { return true }
      if frame.kind == .data { reply += frame.payload }
      return frame.flags & Self.endStream == 0
    }
    return reply
  }

  /// Whether the server keeps the connection.
  func isOpen() -> Bool { socket.isOpen() }

  // MARK: Frames

  /// Reads frames until `body` wants no more of them.
  private func readFrames(_ body: (Frame) -> Bool) throws {
    for _ in 0..<Self.framesMax {
      let frame = try readFrame()
      guard frame.kind != .resetStream, frame.kind != .goAway else {
        throw BenchmarkFailure("the server ended a call or its connection")
      }
      guard body(frame) else { return }
    }
    throw BenchmarkFailure("the server sends frames without an end")
  }

  private func readFrame() throws -> Frame {
    let head = try socket.read(9)
    let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.payloadBytesMax else { throw BenchmarkFailure("the server sent a frame of \(length) bytes") }
    let stream = head[5...].reduce(0) { $0 << 8 | UInt32($1) }
    return Frame(kind: Kind(rawValue: head[3]), flags: head[4], stream: stream, payload: try socket.read(length))
  }

  private static func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    bigEndian(UInt32(payload.count)).dropFirst() + [kind.rawValue, flags] + bigEndian(stream) + payload
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

  // MARK: Headers

  /// A field that enters the dynamic table, with a name from the static one.
  private static func literal(_ name: UInt8, _ value: String) -> [UInt8] { [0x40 | name] + text(value) }

  /// A text without Huffman's code (RFC 7541 section 5.2).
  private static func text(_ value: String) -> [UInt8] {
    let bytes = Array(value.utf8)
    return (bytes.count < 127 ? [UInt8(bytes.count)] : [127] + Requests.varint(UInt64(bytes.count - 127))) + bytes
  }
}
