public import NIOCore
public import RPCCore
import NIOPosix
import Synchronization

/// A gRPC server on TCP. It serves from `start` until `shutDown`.
public final class RPCServer: Sendable {
  private let router: Router
  private let configuration: ServerConfiguration
  private let group: MultiThreadedEventLoopGroup
  // By the loop's identity: one executor for each loop of the group.
  private let executors: [ObjectIdentifier: LoopExecutor]
  private let state = Mutex(State())

  private struct State {
    var listener: (any Channel)?
    var connections: [ObjectIdentifier: Connection] = [:]
    var isDraining = false
    var emptied: CheckedContinuation<Void, Never>?
  }

  // The handler lives on its loop; others only reach it through there.
  private struct Connection: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<ServerConnection>
  }

  /// A server of `services`, with `threads` event loops.
  public init(services: [any RPCService], configuration: ServerConfiguration = ServerConfiguration(), threads: Int) {
    router = Router(services, interceptors: configuration.interceptors)
    self.configuration = configuration
    group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    var executors: [ObjectIdentifier: LoopExecutor] = [:]
    for loop in group.makeIterator() { executors[ObjectIdentifier(loop)] = LoopExecutor(loop) }
    self.executors = executors
  }

  /// Listens on `host` and `port`, 0 for any port, and returns the address.
  /// - Throws: the system's error where it cannot listen there.
  public func start(host: String, port: Int) async throws -> SocketAddress {
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      // One read fills a large buffer; a second would mostly find nothing.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16 << 10, maximum: 128 << 10)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 128 << 10, high: 256 << 10))
      .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try self.accept(channel) } }
      .bind(host: host, port: port).get()
    state.withLock { $0.listener = listener }
    guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
    return address
  }

  private func accept(_ channel: any Channel) throws {
    guard let executor = executors[ObjectIdentifier(channel.eventLoop)] else {
      throw ChannelError.inappropriateOperationForState
    }
    let handler = try ServerConnection(router: router, configuration: configuration, executor: executor)
    let connection = Connection(channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
    let key = ObjectIdentifier(handler)
    let isWelcome = state.withLock { state in
      guard !state.isDraining, state.connections.count < configuration.connectionsMax else { return false }
      state.connections[key] = connection
      return true
    }
    // What is thrown here closes the connection; nobody else sees it.
    guard isWelcome else { throw Unwelcome() }
    // A handler that is cancelled still needs its loop to end on.
    channel.closeFuture.whenComplete { _ in connection.handler.value.whenIdle { self.forget(key) } }
    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(handler))
  }

  private func forget(_ key: ObjectIdentifier) {
    let emptied = state.withLock { state in
      state.connections[key] = nil
      return state.connections.isEmpty ? state.emptied.takeValue() : nil
    }
    emptied?.resume()
  }

  /// Stops taking connections and calls, lets the calls that run finish for at most `grace`, then closes.
  public func shutDown(grace: Duration) async throws {
    let (listener, connections) = state.withLock { state in
      state.isDraining = true
      return (state.listener.takeValue(), Array(state.connections.values))
    }
    try await listener?.close()
    for connection in connections {
      connection.channel.eventLoop.execute { connection.handler.value.drain() }
    }
    let timer = group.next().scheduleTask(in: TimeAmount(grace)) { self.abandonConnections() }
    await withCheckedContinuation { (emptied: CheckedContinuation<Void, Never>) in
      let isEmpty = state.withLock { state in
        if state.connections.isEmpty { return true }
        state.emptied = emptied
        return false
      }
      if isEmpty { emptied.resume() }
    }
    timer.cancel()
    try await group.shutdownGracefully()
  }

  private func abandonConnections() {
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.channel.eventLoop.execute { connection.handler.value.abandon() }
    }
  }
}

/// A connection that came during shutdown, or as one too many.
private struct Unwelcome: Error {}
