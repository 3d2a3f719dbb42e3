import NIOCore
import NIOSSL
import NIOTLS
import RPCCore

/// Stands behind the TLS handler until the handshake is over, then has the connection opened if both ends agreed on
/// HTTP/2, and leaves. Bytes that came with the end of the handshake reach what was opened: TLS hands them on after
/// it has told that the handshake is over.
final class TLSGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let failed: (_ address: String, _ reason: String) -> Void
  private let open: (Peer) throws -> Void
  private var isOver = false

  /// Calls `open` with the other end of the connection, or `failed` when there will be none; one of them, once.
  init(failed: @escaping (_ address: String, _ reason: String) -> Void, open: @escaping (Peer) throws -> Void) {
    self.failed = failed
    self.open = open
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    guard negotiated == "h2" else {
      return fail("the client does not offer h2 by ALPN", context)
    }
    isOver = true
    let pipeline = context.pipeline.syncOperations
    do {
      let subject = try pipeline.nioSSL_peerCertificate().flatMap { CertificateSubject.text(of: $0) }
      try open(Peer(context.remoteAddress, certificateSubject: subject))
    } catch {
      return context.close(promise: nil)
    }
    pipeline.removeHandler(context: context, promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // The peer was told why by TLS itself.
    fail("\(error)", context)
  }

  private func fail(_ reason: String, _ context: ChannelHandlerContext) {
    defer { context.close(promise: nil) }
    guard !isOver else { return }
    isOver = true
    failed(context.remoteAddress.map(describe) ?? "unknown", reason)
  }
}

extension Peer {
  convenience init(_ address: SocketAddress?, certificateSubject: String? = nil) {
    self.init(address: address.map(describe) ?? "unknown", certificateSubject: certificateSubject)
  }
}

private func describe(_ address: SocketAddress) -> String {
  switch address {
  case .v4, .v6: "\(address.ipAddress ?? "unknown"):\(address.port ?? 0)"
  case .unixDomainSocket: "unix:\(address.pathname ?? "")"
  }
}
