import HTTP2
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import RPCCore

/// Makes connections to one server, on one event loop.
struct Connector {
  private let host: String
  private let port: Int
  private let executor: LoopExecutor
  private let tls: NIOSSLContext?
  private let serverName: String?
  private let headers: RequestHeaders

  /// - Throws: `ClientTLS.Failure` for certificates or keys that cannot be used.
  init(host: String, port: Int, _ configuration: ClientConfiguration, _ executor: LoopExecutor) throws {
    self.host = host
    self.port = port
    self.executor = executor
    tls = try configuration.tls?.makeContext()
    serverName = configuration.tls?.serverName
    headers = RequestHeaders(
      scheme: tls == nil ? "http" : "https", authority: serverName ?? Self.address(host, port),
      userAgent: configuration.userAgent)
  }

  /// The server's address.
  var target: String { Self.address(host, port) }

  private static func address(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Calls `whenDone` with a connection whose socket is there, and on which the server has not said anything yet.
  func connect(
    _ configuration: ClientConfiguration, whenDone: @escaping (Result<ClientConnection, any Error>) -> Void
  ) {
    ClientBootstrap(group: executor.eventLoop)
      .connectTimeout(TimeAmount(configuration.connectTimeout))
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelOption(.maxMessagesPerRead, value: 1)
      .channelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16 << 10, maximum: 128 << 10)
      )
      .channelOption(.writeBufferWaterMark, value: .init(low: 128 << 10, high: 256 << 10))
      .channelInitializer { [tls, name = serverName ?? host] channel in
        channel.eventLoop.makeCompletedFuture {
          guard let tls else { return }
          // An address has no name to send, and is looked for among those of the certificate.
          let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
          try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : name))
        }
      }
      .connect(host: host, port: port)
      .assumeIsolated()
      .whenComplete { result in
        // Runs before anything can be read.
        whenDone(Result { try attach(result.get(), configuration) })
      }
  }

  private func attach(_ channel: any Channel, _ configuration: ClientConfiguration) throws -> ClientConnection {
    do {
      let connection = try ClientConnection(configuration, headers, executor)
      try channel.pipeline.syncOperations.addHandlers(
        HandshakeObserver(connection, expectsALPN: tls != nil), ConnectionHandler(connection))
      return connection
    } catch {
      channel.close(promise: nil)
      throw error
    }
  }
}

/// Tells a connection why its channel is about to fail, and refuses servers that do not speak HTTP/2
/// (RFC 9113 section 3.2).
private final class HandshakeObserver: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let connection: ClientConnection
  private let expectsALPN: Bool

  init(_ connection: ClientConnection, expectsALPN: Bool) {
    self.connection = connection
    self.expectsALPN = expectsALPN
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if expectsALPN, case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent, negotiated != "h2" {
      connection.note("the server does not offer HTTP/2 by ALPN")
      context.close(promise: nil)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    connection.note("\(error)")
    context.fireErrorCaught(error)
  }
}
