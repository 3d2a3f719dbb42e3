import HTTP2
import NIOCore
import RPCCore

/// One client's connection: bytes between the channel and HTTP/2, streams to calls. Lives on its event loop.
final class ServerConnection: HTTP2Connection, ChannelInboundHandler, Flushable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  // One write to the channel; more than this is written in several.
  private static let writeBytesMax = 128 << 10

  let configuration: ServerConfiguration
  let router: Router
  let executor: LoopExecutor
  @exclusivity(unchecked) private var head: RequestHeadReader
  let id = CallID.Connection()
  @exclusivity(unchecked) private(set) var peer = Peer(address: "unknown")
  /// Bytes of bodies that wait to be sent, over all streams.
  @exclusivity(unchecked) var unsentBytes = 0
  @exclusivity(unchecked) private var runningHandlers = 0
  @exclusivity(unchecked) private var idleAction: (() -> Void)?
  // Between `handlerAdded` and the channel's end.
  @exclusivity(unchecked) private var context: ChannelHandlerContext?
  @exclusivity(unchecked) private var willFlush = false
  @exclusivity(unchecked) private var roomWaiters: [ServerStream] = []
  @exclusivity(unchecked) private var lastWriteBytes = 1024

  init(router: Router, configuration: ServerConfiguration, executor: LoopExecutor) throws {
    self.router = router
    self.configuration = configuration
    self.executor = executor
    head = RequestHeadReader(router: router, listBytesMax: Int(configuration.http2.headerListBytesMax))
    try super.init(.server, settings: configuration.http2)
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    peer = Peer(address: context.remoteAddress.map(describe) ?? "unknown")
    hasOutput()
  }

  func handlerRemoved(context: ChannelHandlerContext) { lose() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    executor.beginRead()
    let buffer = unwrapInboundIn(data)
    do {
      try buffer.withUnsafeReadableBytes { try receive($0) }
    } catch {
      // nghttp2 has left a GOAWAY in the output that tells the peer why.
      close()
    }
    hasOutput()
  }

  func channelReadComplete(context: ChannelHandlerContext) { executor.runTurn() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { hasOutput() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    lose()
    executor.runTurn()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A socket's error is the peer's going; its calls end like those of any lost connection.
    context.close(promise: nil)
  }

  private func lose() {
    guard context != nil else { return }
    context = nil
    abandonStreams()
    roomWaiters = []
  }

  private func close() {
    flush()
    context?.close(promise: nil)
  }

  // MARK: Output

  /// Has the output sent at the end of the loop's turn.
  func hasOutput() {
    guard !willFlush else { return }
    willFlush = true
    executor.flushLater(self)
  }

  func flush() {
    willFlush = false
    guard let context else { return }
    do {
      // What the peer does not read stays in the streams, where it is bounded, rather than in the channel.
      while context.channel.isWritable, let output = try nextWrite(context) {
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
      }
    } catch {
      context.close(promise: nil)
      return
    }
    if !roomWaiters.isEmpty { roomWaiters.removeAll { $0.offerRoom() } }
    if isFinished { context.close(promise: nil) }
  }

  private func nextWrite(_ context: ChannelHandlerContext) throws -> ByteBuffer? {
    guard var piece = try nextOutput() else { return nil }
    var buffer = context.channel.allocator.buffer(capacity: max(lastWriteBytes, piece.count))
    while true {
      buffer.writeBytes(piece)
      guard buffer.readableBytes < Self.writeBytesMax, let next = try nextOutput() else { break }
      piece = next
    }
    lastWriteBytes = min(buffer.readableBytes, Self.writeBytesMax)
    return buffer
  }

  func waitForRoom(_ stream: ServerStream) { roomWaiters.append(stream) }

  // MARK: Handlers

  func handlerStarted() { runningHandlers += 1 }

  func handlerEnded() {
    runningHandlers -= 1
    if runningHandlers == 0 { idleAction.takeValue()?() }
  }

  /// Runs `action` once no handler runs any more.
  func whenIdle(_ action: @escaping () -> Void) {
    if runningHandlers == 0 { action() } else { idleAction = action }
  }

  // MARK: Going away

  /// Takes no more calls; the connection closes when those it has are over.
  func drain() {
    submitGoAway(.noError)
    hasOutput()
  }

  /// Closes with the calls it has.
  func abandon() {
    terminate(.noError)
    hasOutput()
    flush()
    context?.close(promise: nil)
  }

  // MARK: HTTP/2

  override func receivedBeginningOfRequest() { head.begin() }

  override func receivedField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    head.receive(name, value)
  }

  override func receivedRequest(on id: Int32) -> HTTP2Stream? {
    ServerStream(id: id, head: head.finish(), connection: self)
  }
}

private func describe(_ address: SocketAddress) -> String {
  switch address {
  case .v4, .v6: "\(address.ipAddress ?? "unknown"):\(address.port ?? 0)"
  case .unixDomainSocket: "unix:\(address.pathname ?? "")"
  }
}
