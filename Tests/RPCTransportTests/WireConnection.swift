import HTTP2
import NIOCore
import RPCTestSupport

/// The client's end of a connection, on its event loop.
final class WireConnection: HTTP2Connection, ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let state: Observed<WireClient.ConnectionState>
  private var context: ChannelHandlerContext?

  init(_ state: Observed<WireClient.ConnectionState>, _ settings: HTTP2Settings) throws {
    self.state = state
    try super.init(.client, settings: settings)
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
    state.update { $0.isClosed = true }
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
  }

  override func receivedGoAway(lastStream: Int32, _ code: HTTP2ErrorCode) {
    state.update { $0.goAways.append(code) }
  }
}

/// A stream of a client, on its event loop.
final class WireStream: HTTP2Stream {
  private unowned let connection: WireConnection
  private let received: Observed<Received>
  private var holdsBack: Bool
  private var heldBytes = 0
  private var list: [(name: String, value: String)] = []

  init(id: Int32, in connection: WireConnection, _ received: Observed<Received>, holdsBack: Bool) {
    self.connection = connection
    self.received = received
    self.holdsBack = holdsBack
    super.init(id: id)
  }

  func take(in connection: WireConnection) {
    holdsBack = false
    connection.consume(heldBytes, on: self)
    heldBytes = 0
  }

  override func receivedField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    list.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
  }

  override func receivedFields(isEnd: Bool) {
    let fields = list
    list = []
    received.update { $0.lists.append(fields) }
  }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.consumeOnConnection(bytes.count)
    if holdsBack { heldBytes += bytes.count } else { connection.consume(bytes.count, on: self) }
    let copy = Array(bytes)
    received.update { $0.body += copy }
  }

  override func receivedEnd() { received.update { $0.isEnded = true } }

  override func closed(_ code: HTTP2ErrorCode) { received.update { $0.closed = code } }
}

/// Bytes that stay where they are.
final class Body {
  let bytes: UnsafeRawBufferPointer
  init(_ bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    self.bytes = UnsafeRawBufferPointer(copy)
  }
  deinit { bytes.deallocate() }
}
