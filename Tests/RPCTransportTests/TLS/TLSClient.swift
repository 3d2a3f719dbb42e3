import NIOCore
import NIOSSL
import NIOTLS
import RPCTestSupport

/// What became of TLS at the client's end.
struct HandshakeState: Sendable {
  var isCompleted = false
  var negotiated: String?
  var serverSubject: String?
  var receivedBytes = 0
  var isClosed = false
}

/// Reports the handshake, and counts what comes through TLS.
final class HandshakeObserver: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let state: Observed<HandshakeState>

  init(_ state: Observed<HandshakeState>) { self.state = state }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
      let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
      let subject = certificate.map { "\($0)" }
      state.update {
        $0.isCompleted = true
        $0.negotiated = negotiated
        $0.serverSubject = subject
      }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let count = unwrapInboundIn(data).readableBytes
    state.update { $0.receivedBytes += count }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    state.update { $0.isClosed = true }
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Sends what is written in one turn of the loop as one piece, so that the end of a handshake and what follows it
/// reach the server in one read.
final class WriteJoiner: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var joined = ByteBuffer()
  private var willSend = false
  /// The most pieces that were sent as one.
  let piecesMax: Observed<Int>
  private var pieces = 0

  init(_ piecesMax: Observed<Int>) { self.piecesMax = piecesMax }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var piece = unwrapOutboundIn(data)
    joined.writeBuffer(&piece)
    pieces += 1
    promise?.succeed()
  }

  func flush(context: ChannelHandlerContext) {
    guard !willSend else { return }
    willSend = true
    context.eventLoop.assumeIsolated().execute {
      self.willSend = false
      let pieces = self.pieces
      self.piecesMax.update { $0 = max($0, pieces) }
      self.pieces = 0
      context.writeAndFlush(self.wrapOutboundOut(self.joined), promise: nil)
      self.joined = ByteBuffer()
    }
  }
}
