import HTTP2
import NIOCore
import NIOPosix
import RPCCore
import RPCTestSupport

/// A client over a socket that does nothing by itself but give windows back, and that only if it is let.
final class WireClient: Sendable {
  private let channel: any Channel
  private let connection: NIOLoopBound<WireConnection>
  /// What the server said about the connection as a whole.
  let state: Observed<ConnectionState>

  struct ConnectionState: Sendable {
    var goAways: [HTTP2ErrorCode] = []
    var isClosed = false
  }

  private init(_ channel: any Channel, _ connection: NIOLoopBound<WireConnection>, _ state: Observed<ConnectionState>) {
    self.channel = channel
    self.connection = connection
    self.state = state
  }

  /// Connects; `streamWindowBytes` is what the server may send on one stream before the client takes it. `prepare` adds
  /// what stands between the socket and HTTP/2.
  static func connect(
    to address: SocketAddress, streamWindowBytes: Int32 = 65_535,
    _ prepare: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void = { _ in }
  ) async throws -> WireClient {
    let state = Observed(ConnectionState())
    var settings = HTTP2Settings()
    settings.streamWindowBytes = streamWindowBytes
    // Held back is held back by streams, not by the connection.
    settings.connectionWindowBytes = .max
    let made = Observed(NIOLoopBound<WireConnection>?.none)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { [settings] channel in
        channel.eventLoop.makeCompletedFuture {
          try prepare(channel.pipeline.syncOperations)
          let connection = try WireConnection(state, settings)
          try channel.pipeline.syncOperations.addHandler(connection)
          made.update { $0 = NIOLoopBound(connection, eventLoop: channel.eventLoop) }
        }
      }
      .connect(to: address).get()
    guard let connection = made.value else { throw ChannelError.inappropriateOperationForState }
    return WireClient(channel, connection, state)
  }

  /// Opens a call. The fields replace those of an ordinary call, by name; an empty value leaves one out.
  func open(
    _ path: String, _ fields: [(String, String)] = [], holdsBack: Bool = false
  ) async throws -> WireCall {
    var list = [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("te", "trailers"),
      ("content-type", "application/grpc"),
    ]
    for field in fields {
      if let index = list.firstIndex(where: { $0.0 == field.0 }) { list[index] = field } else { list.append(field) }
    }
    let headers = HeaderBlock(list.filter { !$0.1.isEmpty }.map { (name: $0.0, value: $0.1) })
    return try await channel.eventLoop.submit { [connection, channel] in
      let received = Observed(Received())
      let stream = try connection.value.open(headers) {
        WireStream(id: $0, in: connection.value, received, holdsBack: holdsBack)
      }
      connection.value.flush()
      guard let stream = stream as? WireStream else { throw ChannelError.inappropriateOperationForState }
      return WireCall(channel.eventLoop, connection, stream, received)
    }.get()
  }

  /// Makes a whole call: sends messages, says that no more come, and waits for the end.
  func call(_ path: String, _ messages: [Text] = [], _ fields: [(String, String)] = []) async throws -> Received {
    let call = try await open(path, fields)
    for message in messages { try call.send(message) }
    call.finish()
    return try await call.end()
  }

  /// Drops the connection.
  func disconnect() async throws { try await channel.close() }
}

/// A call of a `WireClient`.
struct WireCall: Sendable {
  private let eventLoop: any EventLoop
  private let connection: NIOLoopBound<WireConnection>
  private let stream: NIOLoopBound<WireStream>
  /// What came so far.
  let received: Observed<Received>

  /// A call of `connection`, whose event loop this is.
  init(
    _ eventLoop: any EventLoop, _ connection: NIOLoopBound<WireConnection>, _ stream: WireStream,
    _ received: Observed<Received>
  ) {
    self.eventLoop = eventLoop
    self.connection = connection
    self.stream = NIOLoopBound(stream, eventLoop: eventLoop)
    self.received = received
  }

  private func onLoop(_ action: @escaping @Sendable (WireConnection, WireStream) -> Void) {
    eventLoop.execute { [connection, stream] in
      action(connection.value, stream.value)
      connection.value.flush()
    }
  }

  /// Sends a message.
  func send(_ message: Text) throws {
    let frame = try FramedMessage.framing(message)
    onLoop { $0.send(frame.bytes, ownedBy: frame.owner, on: $1) }
  }

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8]) {
    onLoop { connection, stream in
      let body = Body(bytes)
      connection.send(body.bytes, ownedBy: body, on: stream)
    }
  }

  /// Says that no more messages come.
  func finish() { onLoop { $0.finish($1, trailers: nil) } }

  /// Cancels the call.
  func reset() { onLoop { $0.reset($1, .cancel) } }

  /// Takes what was held back, and all that comes.
  func take() { onLoop { $1.take(in: $0) } }

  /// Bytes of requests that the server has no room for now, as the client's loop knows it.
  func unsentBytes() async throws -> Int {
    try await eventLoop.submit { [stream] in stream.value.unsentBytes }.get()
  }

  /// What came, once the stream is closed.
  func end() async throws -> Received { try await received.wait { $0.closed != nil } }

  /// What came, once there are as many messages.
  @discardableResult
  func messages(_ count: Int) async throws -> [String] {
    try await received.wait { $0.texts.count >= count || $0.closed != nil }.texts
  }
}

/// What came on a stream.
struct Received: Sendable {
  /// Each header list, the trailers among them.
  var lists: [[(name: String, value: String)]] = []
  var body: [UInt8] = []
  var isEnded = false
  var closed: HTTP2ErrorCode?

  /// The first value under `name`, wherever it came.
  subscript(_ name: String) -> String? {
    for list in lists {
      if let field = list.first(where: { $0.name == name }) { return field.value }
    }
    return nil
  }

  /// The call's status, once it came.
  var code: StatusCode? { self["grpc-status"].flatMap { Int($0) }.flatMap { StatusCode(rawValue: $0) } }

  /// The status's message.
  var message: String { percentDecoded(self["grpc-message"] ?? "") }

  /// The messages that are complete.
  var texts: [String] {
    var deframer = MessageDeframer(messageBytesMax: .max)
    var texts: [String] = []
    // What cannot be read is missing, which the test sees.
    try? body.withUnsafeBytes {
      try deframer.receive($0) { message, _ in texts.append(try Text(decoding: message).value) }
    }
    return texts
  }
}
