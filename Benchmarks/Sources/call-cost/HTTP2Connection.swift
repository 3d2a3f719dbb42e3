import Foundation

/// A client's end of an HTTP/2 connection (RFC 9113), for as much of the protocol as one call takes.
struct HTTP2Connection {
  /// Of an exchange with a server in good order.
  private static let framesMax = 100

  private let socket: LoopbackSocket

  /// Connects, and exchanges SETTINGS both ways.
  init(port: UInt16) throws {
    socket = try LoopbackSocket(port: port)
    try socket.write(HTTP2.preface + HTTP2.frame(.settings))
    var (toldTheirs, tookOurs) = (false, false)
    try readFrames { frame in
      guard frame.kind == .settings else { return true }
      if frame.flags & HTTP2.acknowledged != 0 { tookOurs = true } else { toldTheirs = true }
      return !(toldTheirs && tookOurs)
    }
    try socket.write(HTTP2.frame(.settings, flags: HTTP2.acknowledged))
  }

  /// Makes the connection's first call, and gives the bytes of its reply: none if it failed.
  func firstCall(_ path: String, message: Data, authorization: String?) throws -> Data {
    // POST and http are in the static table; the rest goes into the server's dynamic table, as from grpc-go, and stays
    // there with the connection (RFC 7541 section 6.2.1 and appendix A).
    var headers: [UInt8] = [0x83, 0x86]
    headers += HTTP2.literal([0x44], path) + HTTP2.literal([0x41], "127.0.0.1")
    headers += HTTP2.literal([0x5f], "application/grpc") + HTTP2.literal([0x40] + HTTP2.text("te"), "trailers")
    if let authorization { headers += HTTP2.literal([0x57], authorization) }
    try socket.write(
      HTTP2.frame(.headers, flags: HTTP2.endHeaders, stream: 1, headers)
        + HTTP2.frame(.data, flags: HTTP2.endStream, stream: 1, Array(message)))
    var reply = Data()
    try readFrames { frame in
      guard frame.stream == 1 else { return true }
      if frame.kind == .data { reply += frame.payload }
      return frame.flags & HTTP2.endStream == 0
    }
    return reply
  }

  /// Whether the server keeps the connection.
  func isOpen() -> Bool { socket.isOpen() }

  // MARK: Frames

  /// Reads frames until `body` wants no more of them.
  private func readFrames(_ body: (HTTP2Frame<[UInt8]>) -> Bool) throws {
    for _ in 0..<Self.framesMax {
      let frame = try readFrame()
      guard frame.kind != .resetStream, frame.kind != .goAway else {
        throw BenchmarkFailure("the server ended a call or its connection")
      }
      guard body(frame) else { return }
    }
    throw BenchmarkFailure("the server sends frames without an end")
  }

  private func readFrame() throws -> HTTP2Frame<[UInt8]> {
    let head = try socket.read(HTTP2.headBytes)
    let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
    guard length <= HTTP2.payloadBytesMax else { throw BenchmarkFailure("the server sent a frame of \(length) bytes") }
    let stream = head[5...].reduce(0) { $0 << 8 | UInt32($1) }
    return HTTP2Frame(
      kind: HTTP2.Kind(rawValue: head[3]), flags: head[4], stream: stream, payload: try socket.read(length))
  }
}
