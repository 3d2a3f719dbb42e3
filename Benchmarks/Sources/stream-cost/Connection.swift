import Foundation

/// A client's end of an HTTP/2 connection whose calls go on at the same time, and which takes what has come in without
/// waiting for more. The server may send as much as it likes.
final class Connection {
  private static let windowMax: UInt32 = 0x7fff_ffff
  // SETTINGS_INITIAL_WINDOW_SIZE, and what a window has until it is told otherwise (RFC 9113 section 6.9.2).
  private static let initialWindow: [UInt8] = [0, 4]
  private static let windowBytes = 65_535
  // One for all: they take turns.
  nonisolated(unsafe) private static let buffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 256 << 10, alignment: 8)

  let socket: LoopbackSocket
  /// What may be sent on the connection, and on each new stream; what is sent is for the user to count.
  private(set) var window = Connection.windowBytes
  private(set) var streamWindow = Connection.windowBytes
  private var unread = Unread()

  init(port: UInt16) throws {
    socket = try LoopbackSocket(port: port)
    try socket.write(
      HTTP2.preface + HTTP2.frame(.settings, Self.initialWindow + HTTP2.bigEndian(Self.windowMax))
        + HTTP2.frame(.windowUpdate, HTTP2.bigEndian(Self.windowMax - UInt32(Self.windowBytes))))
    var isTold = false
    while !isTold {
      try socket.waitForInput()
      try receive { frame in
        guard frame.kind == .settings, frame.flags & HTTP2.acknowledged == 0 else { return }
        isTold = true
        for entry in stride(from: 0, to: frame.payload.count - 5, by: 6) {
          let bytes = frame.payload[(frame.payload.startIndex + entry)...]
          guard Array(bytes.prefix(2)) == Self.initialWindow else { continue }
          streamWindow = bytes.dropFirst(2).prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
      }
    }
    try socket.write(HTTP2.frame(.settings, flags: HTTP2.acknowledged))
  }

  /// The beginning of a call: its headers, without the dynamic table, so that all calls are alike.
  static func call(_ path: String, stream: UInt32, _ access: Access) -> [UInt8] {
    // POST and http.
    var headers: [UInt8] = [0x83, 0x86]
    headers += HTTP2.literal([0x04], path) + HTTP2.literal([0x01], "127.0.0.1")
    headers += HTTP2.literal([0x0f, 0x10], "application/grpc") + HTTP2.literal([0x00] + HTTP2.text("te"), "trailers")
    if let tokens = access.tokens { headers += HTTP2.literal([0x0f, 0x08], tokens.bearer) }
    return HTTP2.frame(.headers, flags: HTTP2.endHeaders, stream: stream, headers)
  }

  /// A call with one request.
  static func call(_ path: String, _ request: Data, stream: UInt32, _ access: Access) -> [UInt8] {
    call(path, stream: stream, access) + HTTP2.frame(.data, flags: HTTP2.endStream, stream: stream, Array(request))
  }

  func sent(_ bytes: Int) { window -= bytes }

  /// Takes what is there, once; the frames of the connection itself are dealt with.
  func receive(_ body: (HTTP2Frame<Slice<UnsafeRawBufferPointer>>) throws -> Void) throws {
    let count = try socket.readAvailable(into: Self.buffer)
    try unread.take(UnsafeRawBufferPointer(rebasing: Self.buffer[..<count])) { bytes in
      var start = 0
      while start + HTTP2.headBytes <= bytes.count {
        let length = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
        let end = start + HTTP2.headBytes + length
        guard end <= bytes.count else { break }
        let stream = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 5, as: UInt32.self))
        let frame = HTTP2Frame(
          kind: HTTP2.Kind(rawValue: bytes[start + 3]), flags: bytes[start + 4], stream: stream,
          payload: bytes[(start + HTTP2.headBytes)..<end])
        start = end
        switch frame.kind {
        case .resetStream, .goAway: throw BenchmarkFailure("the server ended a call or its connection")
        case .windowUpdate where stream == 0: window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
        case .data, .headers, .settings, .windowUpdate, nil: try body(frame)
        }
      }
      return start
    }
  }
}

/// The end of what came in, of which the rest has yet to come.
struct Unread {
  private var bytes: [UInt8] = []

  /// Has `body` look at what was left, with `new` behind it; it gives how many bytes it is done with.
  mutating func take(_ new: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Int) throws {
    if bytes.isEmpty {
      let done = try body(new)
      if done < new.count { bytes.append(contentsOf: new[done...]) }
    } else {
      bytes.append(contentsOf: new)
      let done = try bytes.withUnsafeBytes(body)
      bytes.removeFirst(done)
    }
  }
}

/// A stream of gRPC messages.
struct Messages {
  private static let prefixBytes = 5
  private var unread = Unread()

  mutating func take(
    _ payload: Slice<UnsafeRawBufferPointer>, _ body: (Slice<UnsafeRawBufferPointer>) throws -> Void
  ) throws {
    try unread.take(UnsafeRawBufferPointer(rebasing: payload)) { bytes in
      var start = 0
      while start + Self.prefixBytes <= bytes.count {
        let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 1, as: UInt32.self)))
        let end = start + Self.prefixBytes + length
        guard end <= bytes.count else { break }
        try body(bytes[(start + Self.prefixBytes)..<end])
        start = end
      }
      return start
    }
  }
}

/// Reads of a message as it is on the wire (https://protobuf.dev/programming-guides/encoding/).
extension Slice<UnsafeRawBufferPointer> {
  mutating func popVarint() -> Int64? {
    var value: Int64 = 0
    for shift in stride(from: Int64(0), to: 64, by: 7) {
      guard let byte = popFirst() else { return nil }
      value |= Int64(byte & 127) << shift
      if byte < 128 { return value }
    }
    return nil
  }

  /// The sequence in a WatchEventsResponse that is an event; nil for a bookmark.
  var eventSequence: Int64? {
    var rest = self
    // Field 1 of the response is the event, and field 1 of the event its sequence.
    guard rest.popFirst() == 0x0a, rest.popVarint() != nil, rest.popFirst() == 0x08 else { return nil }
    return rest.popVarint()
  }

  /// The number in field `number`, if it is the first field.
  func firstVarint(field number: UInt8) -> Int64? {
    var rest = self
    guard rest.popFirst() == number << 3 else { return nil }
    return rest.popVarint()
  }
}
