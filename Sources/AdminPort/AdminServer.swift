public import NIOCore
import NIOPosix

/// Answers an operator's probes and scrapes in HTTP/1.1, on a port and a thread of its own.
///
/// Every connection is one request and its answer (RFC 9112 section 9.6), and has so much time for both. What comes
/// from there is not trusted: a request's head is bounded, its content is not kept, answers are made of what the server
/// knows alone, and so many connections there may be; when one more comes, the one that was there the longest gives
/// way, so that those who hold connections open keep nobody out who comes with a request.
public final class AdminServer: Sendable {
  private let configuration: AdminConfiguration
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let listener: any Channel
  private let connections: AdminConnections

  /// Where it listens.
  public let address: SocketAddress

  /// Listens on `host` and `port`, 0 for any port. `answer` is asked on the thread for each path that somebody gets,
  /// and may block as briefly as reading a small file does; nil for no such page. `answered` is told there of each
  /// answer that is sent: the path of the page, nil where it is none, and the status.
  /// - Throws: the system's error where it cannot listen there.
  public init(
    host: String, port: Int, configuration: AdminConfiguration = AdminConfiguration(),
    answered: @escaping @Sendable (_ path: String?, _ status: Int) -> Void = { _, _ in },
    answer: @escaping @Sendable (_ path: String) -> AdminAnswer?
  ) async throws {
    self.configuration = configuration
    let connections = AdminConnections(connectionsMax: configuration.connectionsMax)
    self.connections = connections
    do {
      listener = try await Self.listen(
        try SocketAddress.makeAddressResolvingHost(host, port: port), group, configuration, connections
      ) { try AdminConnection.add(to: $0, configuration, answer, answered: answered) }
      guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
      self.address = address
    } catch {
      // The thread is idle, so that nothing of it can fail.
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private static func listen(
    _ address: SocketAddress, _ group: MultiThreadedEventLoopGroup, _ configuration: AdminConfiguration,
    _ connections: AdminConnections, add: @escaping @Sendable (any Channel) throws -> Void
  ) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4096))
      // Who has sent all it has to say may still want to hear.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          connections.add(channel)
          try add(channel)
        }
      }
      .bind(to: address).get()
  }

  /// Closes the port and all connections.
  public func shutDown() async {
    // What does not close here closes with the thread.
    try? await listener.close()
    try? await group.shutdownGracefully()
  }
}

/// What a connection may take.
public struct AdminConfiguration: Sendable, Hashable {
  /// Connections at once.
  public var connectionsMax = 32
  /// From a connection to the end of the answer.
  public var timeout: Duration = .seconds(10)
  /// Bytes of a request before its content.
  public var headBytesMax = 8192

  /// The defaults.
  public init() {}
}

/// What is answered.
public struct AdminAnswer: Sendable, Hashable {
  /// The status, such as 200.
  public let status: Int
  /// The kind of content.
  public let contentType: String
  /// The content.
  public let content: String

  /// An answer; by default in plain text.
  public init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", content: String) {
    self.status = status
    self.contentType = contentType
    self.content = content
  }
}

/// The connections there are, the oldest first. Confined to the event loop.
private final class AdminConnections: @unchecked Sendable {
  private let connectionsMax: Int
  private var channels: [any Channel] = []

  init(connectionsMax: Int) { self.connectionsMax = connectionsMax }

  func add(_ channel: any Channel) {
    if channels.count >= connectionsMax { channels.removeFirst().close(promise: nil) }
    channels.append(channel)
    channel.closeFuture.assumeIsolated().whenComplete { _ in self.channels.removeAll { $0 === channel } }
  }
}
