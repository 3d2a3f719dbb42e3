import HTTP2
import NIOCore
import NIOPosix
import RPCCore
import RPCTestSupport
import RPCTransport

/// A server that does to each request what a test says, right or wrong.
final class ScriptedServer: Sendable {
  /// What it does to a request whose headers are there. Runs on the connection's event loop.
  typealias Script = @Sendable (ScriptedStream) -> Void

  private let listener: any Channel
  let address: SocketAddress
  /// Each request that came, and what came of it.
  let requests: Observed<[ScriptedRequest]>
  /// Connections that were made so far, and are open.
  let connections: Observed<(made: Int, open: Int)>

  static func start(
    settings: HTTP2Settings = HTTP2Settings(), port: Int = 0, isSilent: Bool = false, _ script: @escaping Script
  ) async throws -> ScriptedServer {
    let requests = Observed<[ScriptedRequest]>([])
    let connections = Observed((made: 0, open: 0))
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          connections.update { $0 = ($0.made + 1, $0.open + 1) }
          channel.closeFuture.whenComplete { _ in connections.update { $0.open -= 1 } }
          if isSilent { return }
          try channel.pipeline.syncOperations.addHandler(ScriptedConnection(settings, requests, script))
        }
      }
      .bind(host: "127.0.0.1", port: port).get()
    guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
    return ScriptedServer(listener, address, requests, connections)
  }

  private init(
    _ listener: any Channel, _ address: SocketAddress, _ requests: Observed<[ScriptedRequest]>,
    _ connections: Observed<(made: Int, open: Int)>
  ) {
    self.listener = listener
    self.address = address
    self.requests = requests
    self.connections = connections
  }

  /// Takes no more connections.
  func stop() async throws { try await listener.close() }
}

/// Runs `body` with a scripted server and a client of it.
func withScriptedServer(
  settings: HTTP2Settings = HTTP2Settings(), isSilent: Bool = false,
  configure: (inout ClientConfiguration) -> Void, _ script: @escaping ScriptedServer.Script,
  _ body: (ScriptedServer, RPCClient) async throws -> Void
) async throws {
  let server = try await ScriptedServer.start(settings: settings, isSilent: isSilent, script)
  try await withClient(of: server.address, configure: configure) { try await body(server, $0) }
  try await server.stop()
}

/// The same with a client of the defaults.
func withScriptedServer(
  settings: HTTP2Settings = HTTP2Settings(), _ script: @escaping ScriptedServer.Script,
  _ body: (ScriptedServer, RPCClient) async throws -> Void
) async throws {
  try await withScriptedServer(settings: settings, configure: { _ in }, script, body)
}

/// What came on a stream of a `ScriptedServer`.
struct ScriptedRequest: Sendable {
  var fields: [(name: String, value: String)] = []
  var body: [UInt8] = []
  var isEnded = false
  var closed: HTTP2ErrorCode?

  subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// The server's end of a connection, on its event loop.
final class ScriptedConnection: HTTP2Connection, ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let requests: Observed<[ScriptedRequest]>
  private let script: ScriptedServer.Script
  private var context: ChannelHandlerContext?
  private var fields: [(name: String, value: String)] = []

  init(
    _ settings: HTTP2Settings, _ requests: Observed<[ScriptedRequest]>, _ script: @escaping ScriptedServer.Script
  ) throws {
    self.requests = requests
    self.script = script
    try super.init(.server, settings: settings)
  }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    flush()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      try unwrapInboundIn(data).withUnsafeReadableBytes { try receive($0) }
    } catch {
      context.close(promise: nil)
    }
    flush()
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    abandonStreams()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func flush() {
    guard let context else { return }
    do {
      while let output = try nextOutput() {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: output)), promise: nil)
      }
    } catch {
      context.close(promise: nil)
    }
    if isFinished { context.close(promise: nil) }
  }

  fileprivate var eventLoop: (any EventLoop)? { context?.eventLoop }

  /// Takes nothing more, and says so to nobody.
  func stopReading() {
    // This fails only for a channel that is closed.
    try? context?.channel.syncOptions?.setOption(.autoRead, value: false)
  }

  /// Says that no stream was looked at, which nghttp2 only says when it is true (RFC 9113 section 6.8).
  func disownStreams() {
    context?.writeAndFlush(
      wrapOutboundOut(ByteBuffer(bytes: [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), promise: nil)
  }

  /// Drops the connection.
  func disconnect() { context?.close(promise: nil) }

  override func receivedField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {
    fields.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
  }

  override func receivedRequest(
    on id: Int32, isOverLong: Bool, _ repeated: inout RepeatedFields
  ) -> HTTP2Stream? {
    let index = requests.value.count
    let request = ScriptedRequest(fields: fields)
    fields = []
    requests.update { $0.append(request) }
    return ScriptedStream(id: id, index: index, self, requests, script)
  }
}

/// A stream of a `ScriptedServer`, on its event loop.
final class ScriptedStream: HTTP2Stream {
  /// Which request this is of all that the server got.
  let index: Int
  let connection: ScriptedConnection
  private let requests: Observed<[ScriptedRequest]>
  private let script: ScriptedServer.Script
  private var endAction: ScriptedServer.Script?

  init(
    id: Int32, index: Int, _ connection: ScriptedConnection, _ requests: Observed<[ScriptedRequest]>,
    _ script: @escaping ScriptedServer.Script
  ) {
    self.index = index
    self.connection = connection
    self.requests = requests
    self.script = script
    super.init(id: id)
  }

  /// What came so far.
  var request: ScriptedRequest { requests.value[index] }

  override func opened() { script(self) }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.consumeOnConnection(bytes.count)
    connection.consume(bytes.count, on: self)
    let copy = Array(bytes)
    requests.update { $0[index].body += copy }
  }

  override func receivedEnd() {
    requests.update { $0[index].isEnded = true }
    endAction?(self)
  }

  /// Goes on with the script once the request is whole.
  func whenEnded(_ action: @escaping ScriptedServer.Script) { endAction = action }

  override func closed(_ code: HTTP2ErrorCode) { requests.update { $0[index].closed = code } }

  /// Reaches a stream from elsewhere.
  struct Remote: Sendable {
    fileprivate let stream: NIOLoopBound<ScriptedStream>
    fileprivate let eventLoop: any EventLoop

    /// Goes on with the script.
    func perform(_ action: @escaping ScriptedServer.Script) {
      eventLoop.execute {
        action(stream.value)
        stream.value.connection.flush()
      }
    }
  }

  /// For what the script does later.
  var remote: Remote? {
    connection.eventLoop.map { Remote(stream: NIOLoopBound(self, eventLoop: $0), eventLoop: $0) }
  }

  // MARK: What scripts say

  static let plainHeaders = [(":status", "200"), ("content-type", "application/grpc")]

  func respond(_ fields: [(String, String)] = plainHeaders) { connection.respond(block(fields), on: self) }

  func respondOnly(_ fields: [(String, String)]) { connection.respondOnly(block(fields), on: self) }

  /// Ends the call before any message.
  func refuse(_ code: StatusCode, _ more: [(String, String)] = []) {
    respondOnly(Self.plainHeaders + [("grpc-status", "\(code.rawValue)")] + more)
  }

  func send(_ bytes: [UInt8]) {
    let body = Body(bytes)
    connection.send(body.bytes, ownedBy: body, on: self)
  }

  func finish(_ trailers: [(String, String)]?) { connection.finish(self, trailers: trailers.map(block)) }

  /// A whole answer.
  func answer(_ text: String) {
    respond()
    send(message(text))
    finish([("grpc-status", "0")])
  }

  /// The bytes of a message.
  func message(_ text: String) -> [UInt8] { ((try? FramedMessage.framing(Text(text))).map { Array($0.bytes) }) ?? [] }

  func reset(_ code: HTTP2ErrorCode) { connection.reset(self, code) }

  private func block(_ fields: [(String, String)]) -> HeaderBlock {
    HeaderBlock(fields.map { (name: $0.0, value: $0.1) })
  }
}
