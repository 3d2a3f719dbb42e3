import HTTP2

extension FuzzTarget {
  /// The size of the pieces in which bytes come, or 0 for whole frames; then what a client sends, and in between what
  /// the server does.
  static let http2 = FuzzTarget(
    "http2",
    seeds: [
      request(1, end: true), request(1, end: false) + frame(0, flags: 1, stream: 1, [1, 2, 3]) + [drain],
      request(1, end: true) + request(3, end: false) + frame(3, stream: 3, [0, 0, 0, 8]) + [drain],
      frame(4, [0, 4, 0, 0, 0, 1]) + request(1, end: true) + [act, 1, drain]
        + frame(8, stream: 1, [0, 0, 0, 9]) + [act, 2, drain],
      frame(6, Array(repeating: 0, count: 8)) + [drain, notice, drain] + request(1, end: true) + [goAway, drain],
      request(1, end: false) + frame(9, flags: 4, stream: 1, [0x82]), [raw, 9, 255, 255, 255, 0, 0, 0, 0, 0, 1],
      frame(1, stream: 1, [0x82, 0x86]) + frame(9, flags: 5, stream: 1, [0x84, 0x41, 0x8C, 0xF1, 0xE3, 0xC2, 0xE5]),
      frame(7, [0, 0, 0, 0, 0, 0, 0, 0]) + frame(2, stream: 1, [0, 0, 0, 0, 16]) + frame(5, stream: 1, [0, 0, 0, 2]),
    ].map { [0] + $0 } + [[3] + request(1, end: false) + frame(0, flags: 1, stream: 1, [1, 2, 3]) + [drain]]
  ) { input in
    expect(FuzzedStream.count == 0, "streams of an earlier run live")
    let server = try FuzzedServer(pieceBytes: Int(input.takeByte()))
    try withExtendedLifetime(server) { try server.run(&input) }
    expect(FuzzedStream.count == 0, "streams outlive their connection")
  }

  fileprivate static let raw: UInt8 = 0
  fileprivate static let framed: UInt8 = 1
  fileprivate static let opening: UInt8 = 2
  fileprivate static let drain: UInt8 = 3
  fileprivate static let act: UInt8 = 4
  fileprivate static let ping: UInt8 = 5
  fileprivate static let notice: UInt8 = 6
  fileprivate static let goAway: UInt8 = 7
  fileprivate static let operations: UInt8 = 8

  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8]) -> [UInt8] {
    [framed, type, flags, stream] + FuzzInput.piece(payload)
  }

  private static func request(_ stream: UInt8, end: Bool) -> [UInt8] { [opening, stream, end ? 1 : 0, stream] }
}

/// A server that answers as the input says.
private final class FuzzedServer: HTTP2Connection {
  private var streams: [Int32: FuzzedStream] = [:]
  private let pieceBytes: Int
  private var lastHeader: FrameHeader?
  // Any bytes may have come, of which the client itself does not know what frames they are.
  private var isFramed = true
  private var fieldBytes = 0
  fileprivate var answers: [UInt8] = []

  init(pieceBytes: Int) throws {
    self.pieceBytes = pieceBytes
    var settings = HTTP2Settings()
    settings.concurrentStreamsMax = 8
    settings.streamWindowBytes = 1 << 10
    settings.headerListBytesMax = UInt32(Self.headerListBytesMax)
    try super.init(.server, settings: settings)
  }

  func run(_ input: inout FuzzInput) throws {
    do {
      // The server's settings hold once they are acknowledged.
      try drainOutput()
      let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
      let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0] + [0, 0, 0, 4, 1, 0, 0, 0, 0]
      try receive(preface + settings)
      while !input.isEmpty, !isFinished { try step(&input) }
      try drainOutput()
    } catch is HTTP2Error {
      // The connection cannot go on, and may still have something to say.
      _ = try? drainOutput()
    }
    abandonStreams()
    expect(streams.isEmpty, "streams were not closed with their connection")
    expect(!hasStreams, "the connection still has streams")
  }

  private func step(_ input: inout FuzzInput) throws {
    switch input.takeByte() % FuzzTarget.operations {
    case FuzzTarget.raw:
      isFramed = false
      try receive(input.takePiece())
    case FuzzTarget.framed:
      try receive(type: input.takeByte(), flags: input.takeByte(), stream: input.takeByte(), input.takePiece())
    case FuzzTarget.opening:
      answers.append(input.takeByte())
      try receive(type: 1, flags: 4 | input.takeByte() & 1, stream: input.takeByte(), Self.requestFields)
    case FuzzTarget.drain: try drainOutput()
    case FuzzTarget.act:
      let action = input.takeByte()
      for stream in streams.values.sorted(by: { $0.id < $1.id }) { stream.act(action) }
    case FuzzTarget.ping: submitPing(1)
    case FuzzTarget.notice: submitShutdownNotice()
    default: submitGoAway(.noError)
    }
  }

  private func receive(type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) throws {
    let head = [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream]
    try receive(head + payload)
    guard isFramed else { return }
    let sent = FrameHeader(
      type: FrameType(rawValue: type), flags: flags, stream: Int32(stream), payloadBytes: payload.count)
    expect(lastHeader == sent, "\(sent) came in as \(String(describing: lastHeader))")
  }

  private func receive(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(pieceBytes == 0 ? rest.count : pieceBytes))
      rest = rest.dropFirst(piece.count)
      try piece.withExactCopy { try receive($0) }
    }
  }

  // POST, http, /a.B/C, and an authority of one letter (RFC 7541 appendix A and section 6.2).
  private static let requestFields: [UInt8] = [0x83, 0x86, 0x44, 6] + Array("/a.B/C".utf8) + [0x41, 1, 97]

  // What goes out must be frames, each of a size that every peer takes (RFC 9113 section 4.2).
  private func drainOutput() throws {
    var output: [UInt8] = []
    while let piece = try nextOutput() {
      output += piece
      expect(output.count < 1 << 20, "there is no end of output")
    }
    var rest = output[...]
    while !rest.isEmpty {
      expect(rest.count >= 9, "output ends within a frame's head")
      let count = rest.prefix(3).reduce(0) { $0 << 8 | Int($1) }
      expect(count <= 1 << 14 && rest.count >= 9 + count, "output ends within a frame, or it is too long")
      rest = rest.dropFirst(9 + count)
    }
  }

  override func receivedFrameHeader(_ header: FrameHeader) { lastHeader = header }

  override func receivedFrameAfterEnd(on id: Int32) { expect(streams[id]?.hasEnded != false, "\(id) has not ended") }

  override func receivedBeginningOfRequest() { fieldBytes = 0 }

  override func receivedField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {
    expect(!name.isEmpty, "a field has no name")
    fieldBytes += name.count + value.count + 32
    expect(fieldBytes <= Self.headerListBytesMax, "a list goes on that is too long")
    repeated.add()
  }

  private static let headerListBytesMax = 128

  override func receivedRequest(
    on id: Int32, isOverLong: Bool, _ repeated: inout RepeatedFields
  ) -> HTTP2Stream? {
    repeated.keep()
    expect(streams[id] == nil && id % 2 == 1, "stream \(id) is opened twice, or by the server")
    guard streams.count < 8 else { return nil }
    let answer = answers.popLast() ?? 0
    guard answer % 8 != 7 else { return nil }
    let stream = FuzzedStream(id: id, server: self, answer: answer)
    streams[id] = stream
    return stream
  }

  fileprivate func forget(_ stream: FuzzedStream) {
    expect(streams.removeValue(forKey: stream.id) === stream, "a stream is closed that was not open")
  }
}

private final class FuzzedStream: HTTP2Stream {
  // Runs follow each other on one thread.
  nonisolated(unsafe) static var count = 0

  private unowned let server: FuzzedServer
  private let answer: UInt8
  private var isOpen = false
  private(set) var hasEnded = false
  private var unconsumed = 0

  init(id: Int32, server: FuzzedServer, answer: UInt8) {
    self.server = server
    self.answer = answer
    Self.count += 1
    super.init(id: id)
  }

  deinit { Self.count -= 1 }

  override func opened() {
    isOpen = true
    if answer & 1 == 1 { act(answer) }
  }

  /// One of the things that a server does with a stream, whatever it did before.
  func act(_ action: UInt8) {
    switch action % 8 {
    case 0: server.respondOnly(Self.headers, on: self)
    case 1: server.respond(Self.headers, on: self)
    case 2, 3: server.send(Self.body.bytes, ownedBy: Self.body, on: self)
    case 4: server.finish(self, trailers: Self.trailers)
    case 5: server.finish(self, trailers: nil)
    case 6: server.reset(self, .cancel)
    default:
      server.consumeOnConnection(unconsumed)
      server.consume(unconsumed, on: self)
      unconsumed = 0
    }
  }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    expect(isOpen && !hasEnded && !isClosed, "data comes before its stream or after its end")
    unconsumed += bytes.count
    expect(unconsumed <= 1 << 10, "more than the window came in")
    if answer & 2 == 2 { act(7) }
  }

  override func receivedEnd() {
    expect(isOpen && !hasEnded && !isClosed, "the end comes twice")
    hasEnded = true
    if answer & 4 == 4 { act(answer >> 3) }
  }

  override func closed(_ code: HTTP2ErrorCode) {
    server.forget(self)
    expect(unsentBytes == 0, "a stream is closed and keeps its body")
  }

  private static let headers = HeaderBlock([(":status", "200"), ("content-type", "application/grpc")])
  private static let trailers = HeaderBlock([("grpc-status", "0")])
  private static let body = Body()

  private final class Body: @unchecked Sendable {
    // Never written to, hence the unchecked conformance.
    let bytes = UnsafeRawBufferPointer(UnsafeMutableRawBufferPointer.allocate(byteCount: 3000, alignment: 1))
  }
}
