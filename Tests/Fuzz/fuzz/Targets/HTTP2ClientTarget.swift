import Glibc
import HTTP2
import NIOCore
import NIOEmbedded
import RPCCore

@testable import RPCTransport

extension FuzzTarget {
  /// The size of the pieces in which bytes come, or 0 for whole ones; then the calls of a client, what their server
  /// sends, and in between what the callers do.
  static let http2Client = FuzzTarget(
    "http2-client",
    seeds: [
      [call, 1] + answer(0, [[1, 2, 3], []]) + [call, 0] + answer(1, []),
      [call, 5] + answer(0, [Array(repeating: 7, count: 200)], encoding: 1) + [call, 8] + answer(1, [[9]], status: 5),
      [call, 0, list, 1, 0, 0] + frame(0, stream: 1, [0, 0, 0, 0, 1, 8, 0, 0]) + [list, 1, 1, 1],
      [call, 0, list, 1, 2, 0, list, 1, 0, 0, list, 1, 1, 1], [call, 1, list, 1, 3, 1, call, 0, list, 3, 4, 0],
      [call, 0, call, 1] + frame(7, [0, 0, 0, 1, 0, 0, 0, 0]) + answer(0, [[1]]) + frame(3, stream: 3, [0, 0, 0, 7]),
      frame(4, [0, 4, 0, 0, 0, 1]) + [call, 15] + frame(8, stream: 1, [0, 0, 0, 9]) + [cancel, 0],
      frame(4, [0, 3, 0, 0, 0, 1]) + [call, 0, call, 0, drain] + answer(0, []),
      frame(6, Array(repeating: 0, count: 8)) + [call, 9, list, 1, 5, 1],
      [call, 0] + frame(5, stream: 1, [0, 0, 0, 2]),
      [call, 0, list, 1, 0, 0, raw, 9, 0, 4, 1, 0, 0, 0, 0, 0, 1],
    ].map { [0] + $0 } + [[3, call, 1] + answer(0, [[1, 2, 3]])]
  ) { input in
    weak let connection = try FuzzedClient(pieceBytes: Int(input.takeByte())).run(&input)
    expect(connection == nil, "a connection outlives its channel")
  }

  fileprivate static let raw: UInt8 = 0
  fileprivate static let framed: UInt8 = 1
  fileprivate static let list: UInt8 = 2
  fileprivate static let response: UInt8 = 3
  fileprivate static let call: UInt8 = 4
  fileprivate static let cancel: UInt8 = 5
  fileprivate static let drain: UInt8 = 6
  fileprivate static let operations: UInt8 = 7

  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8]) -> [UInt8] {
    [framed, type, flags, stream] + FuzzInput.piece(payload)
  }

  private static func answer(
    _ call: UInt8, _ messages: [[UInt8]], encoding: UInt8 = 0, status: UInt8 = 0
  ) -> [UInt8] {
    [response, call, encoding, status, 20, UInt8(messages.count)] + messages.flatMap { FuzzInput.piece($0) }
  }
}

/// A client whose server sends what the input says, on a channel without a socket.
private final class FuzzedClient {
  private let channel = EmbeddedChannel()
  private let executor: LoopExecutor
  private let connection: ClientConnection
  private let owner = Owner()
  private let pieceBytes: Int
  private var callers: [FuzzedCaller] = []
  // Frames of whatever kind may have come, so that whole responses need not be understood any more.
  private var isSound = true
  private var output: [UInt8] = []
  private var hasSentPreface = false

  init(pieceBytes: Int) throws {
    self.pieceBytes = pieceBytes
    executor = LoopExecutor(channel.eventLoop, clock: { .now })
    var configuration = ClientConfiguration()
    configuration.http2.streamWindowBytes = Int32(FuzzedCaller.windowBytes)
    configuration.http2.headerListBytesMax = 256
    configuration.messageBytesMax = 512
    configuration.streamUnsentBytesMax = 300
    let headers = RequestHeaders(scheme: "http", authority: "a", userAgent: "b")
    connection = try ClientConnection(configuration, headers, executor)
    connection.owner = owner
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(connection))
  }

  /// Returns what must be gone with the client.
  func run(_ input: inout FuzzInput) throws -> ClientConnection {
    try receive([0, 0, 0, 4, 0, 0, 0, 0, 0] + [0, 0, 0, 4, 1, 0, 0, 0, 0])
    expect(owner.told == ["ready"], "a server's settings make no connection ready, but \(owner.told)")
    while !input.isEmpty, channel.isActive { try step(&input) }
    channel.close(promise: nil)
    try turn()
    expect(connection.phase == .lost && owner.told.last == "lost", "a closed channel leaves its connection")
    expect(owner.told.count == Set(owner.told).count, "the owner was told \(owner.told)")
    expect(!connection.hasStreams && connection.unsentBytes == 0, "a lost connection has streams")
    for caller in callers where !caller.isReading { caller.read(on: executor) }
    try turn()
    for caller in callers { caller.check() }
    return connection
  }

  private func step(_ input: inout FuzzInput) throws {
    switch input.takeByte() % FuzzTarget.operations {
    case FuzzTarget.raw:
      isSound = false
      try receive(input.takePiece())
    case FuzzTarget.framed:
      isSound = false
      let (type, flags, stream) = (input.takeByte(), input.takeByte(), input.takeByte())
      try receive(Self.frame(type, flags: flags, stream: Int32(stream), input.takePiece()))
    case FuzzTarget.list:
      isSound = false
      let stream = Int32(input.takeByte())
      let fields = Self.lists[Int(input.takeByte()) % Self.lists.count]
      try receive(Self.frame(1, flags: 4 | input.takeByte() & 1, stream: stream, fields))
    case FuzzTarget.response: try respond(&input)
    case FuzzTarget.call: try open(FuzzedCaller(input.takeByte(), executor, connection.configuration))
    case FuzzTarget.cancel:
      let number = Int(input.takeByte())
      guard callers.indices.contains(number) else { return }
      callers[number].cancel()
      try turn()
    default:
      connection.drain()
      try turn()
    }
  }

  private func open(_ caller: FuzzedCaller) throws {
    // Where there is no room, calls wait for another connection.
    guard connection.hasRoom, callers.count < 8 else { return }
    callers.append(caller)
    try connection.open(caller.call)
    caller.send(on: executor)
    if caller.isReading { caller.read(on: executor) }
    try turn()
  }

  // MARK: What the server sends

  /// A whole response: it must be what its caller gets, unless something came before it.
  private func respond(_ input: inout FuzzInput) throws {
    let number = Int(input.takeByte())
    let encoding: MessageEncoding = input.takeByte() & 1 == 0 ? .identity : .gzip
    let status = Int(input.takeByte()) % 20
    let frameBytes = max(1, Int(input.takeByte()))
    let pieces = (0..<input.takeByte() % 8).map { _ in input.takePiece() }
    guard callers.indices.contains(number), !callers[number].wasAnswered else { return }
    var messages: [[UInt8]] = []
    var body: [UInt8] = []
    for piece in pieces {
      let frame = FramedMessage(payloadBytes: piece.count) { $0.copyMemory(from: piece, byteCount: piece.count) }
        .compressed(encoding)
      // What is not taken yet must not be more than the window.
      guard body.count + frame.count <= FuzzedCaller.windowBytes else { break }
      withExtendedLifetime(frame.owner) { body += frame.bytes }
      messages.append(piece)
    }
    // Streams are numbered as they are opened.
    let stream = Int32(2 * number + 1)
    let fields =
      [0x88] + Self.field("content-type", "application/grpc") + Self.field("grpc-encoding", encoding.rawValue)
    var bytes = Self.frame(1, flags: 4, stream: stream, fields)
    var rest = body[...]
    while !rest.isEmpty {
      bytes += Self.frame(0, stream: stream, Array(rest.prefix(frameBytes)))
      rest = rest.dropFirst(frameBytes)
    }
    bytes += Self.frame(1, flags: 5, stream: stream, Self.field("grpc-status", "\(status)"))
    if isSound { callers[number].wasAnswered(by: messages, StatusCode(rawValue: status) ?? .unknown) }
    try receive(bytes)
  }

  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: Int32, _ payload: [UInt8]) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, UInt8(stream)] + payload
  }

  // Never of what the peer remembers, so that every list says the same wherever it comes (RFC 7541 section 6.2.2).
  private static func field(_ name: String, _ value: String) -> [UInt8] {
    [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
  }

  // `:status` is 200, 404 and 500 by an index (RFC 7541 appendix A).
  private static let lists: [[UInt8]] = [
    [0x88] + field("content-type", "application/grpc"), field("grpc-status", "0"), field(":status", "103"),
    [0x88] + field("content-type", "application/grpc") + field("grpc-status", "7") + field("grpc-message", "%C3%A4"),
    [0x8E], [0x88] + field("content-type", "application/grpc") + field("x-bin", String(repeating: "A", count: 220)),
    [0x8D] + field("content-type", "text/html"), field("grpc-status", "x") + field("key-bin", "!"),
    [0x88] + field("content-type", "application/grpc+proto") + field("grpc-encoding", "gzip"),
  ]

  private func receive(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty, channel.isActive {
      let piece = rest.prefix(pieceBytes == 0 ? rest.count : pieceBytes)
      rest = rest.dropFirst(piece.count)
      try channel.writeInbound(ByteBuffer(bytes: piece))
      try turn()
    }
  }

  // MARK: What the client does

  private func turn() throws {
    // The loop pauses between turns where there is always more to do.
    channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    while let piece = try channel.readOutbound(as: ByteBuffer.self) { output += piece.readableBytesView }
    checkOutput()
  }

  // What goes out must be frames, each of a size that every peer takes (RFC 9113 section 4.2).
  private func checkOutput() {
    var rest = output[...]
    if !hasSentPreface {
      let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
      expect(rest.starts(with: preface), "a client begins with something else than the preface")
      rest = rest.dropFirst(preface.count)
      hasSentPreface = true
    }
    while !rest.isEmpty {
      expect(rest.count >= 9, "output ends within a frame's head")
      let count = rest.prefix(3).reduce(0) { $0 << 8 | Int($1) }
      expect(count <= 1 << 14 && rest.count >= 9 + count, "output ends within a frame, or it is too long")
      rest = rest.dropFirst(9 + count)
    }
    output = []
  }
}

private final class Owner: ClientConnection.Owner {
  /// What was told once at most; room is told again and again.
  private(set) var told: [String] = []

  func connectionIsReady(_ connection: ClientConnection) { told.append("ready") }
  func connectionHasRoom(_ connection: ClientConnection) {}
  func connectionIsLeaving(_ connection: ClientConnection, _ code: HTTP2ErrorCode) { told.append("leaving") }
  func connectionWasLost(_ connection: ClientConnection, _ error: RPCError) { told.append("lost") }
}

/// Makes one call. Its tasks run on the loop's thread alone, hence the unchecked conformance.
private final class FuzzedCaller: @unchecked Sendable {
  static let windowBytes = 1 << 10

  let call: SocketCall
  /// Whether responses are taken as they come, rather than at the end.
  let isReading: Bool
  private(set) var wasAnswered = false
  private let requests: UInt8
  private let finishes: Bool
  private var messages: [[UInt8]] = []
  private var end: StatusCode?
  private var expected: (messages: [[UInt8]], end: StatusCode)?

  /// `kind` says whether it reads and whether it ends its requests, of which it makes up to 63.
  init(_ kind: UInt8, _ executor: LoopExecutor, _ configuration: ClientConfiguration) {
    isReading = kind & 1 == 1
    finishes = kind & 2 == 0
    requests = kind >> 2
    call = SocketCall(MethodDescriptor(service: "a.B", method: "C"), CallOptions(), configuration, executor)
  }

  func send(on executor: LoopExecutor) {
    Task(executorPreference: executor) { [call, requests, finishes] in
      // How the call ends, its reader learns.
      for _ in 0..<requests {
        try? await call.send(FramedMessage(payloadBytes: 40) { memset($0, 0, 40) })
      }
      if finishes { try? await call.finishSending() }
    }
  }

  func read(on executor: LoopExecutor) {
    Task(executorPreference: executor) { [self] in
      do {
        while let message = try await call.nextResponse() { messages.append(message.withPayload { Array($0) }) }
        end = .ok
      } catch let error as RPCError {
        end = error.code
        expect(error.code != .ok, "a call failed with OK")
      }
    }
  }

  func cancel() {
    wasAnswered = true
    // Responses that wait are dropped, too.
    if !isReading { expected = nil }
    call.cancel()
  }

  /// A whole response comes.
  func wasAnswered(by messages: [[UInt8]], _ end: StatusCode) {
    wasAnswered = true
    expected = (messages, end)
  }

  /// What must be true once the connection is gone.
  func check() {
    expect(end != nil, "a call never ends")
    expect(messages.isEmpty || call.initialMetadata != nil, "messages came without headers")
    guard let expected else { return }
    expect(messages == expected.messages, "a response of \(expected.messages) is read as \(messages)")
    expect(end == expected.end, "status \(expected.end) is \(String(describing: end))")
  }
}
