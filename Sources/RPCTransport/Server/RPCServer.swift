public import NIOCore
public import RPCCore
import NIOPosix
import Synchronization

/// A gRPC server on TCP. It serves from `start` until `shutDown`.
public final class RPCServer: Sendable {
  private let router: Router
  private let configuration: ServerConfiguration
  private let group: MultiThreadedEventLoopGroup
  // By the event loop's identity.
  private let loops: [ObjectIdentifier: ServerLoop]
  private let state = Mutex(State())

  private struct State {
    var listener: (any Channel)?
    var connections = 0
    var isDraining = false
    var emptied: CheckedContinuation<Void, Never>?
  }

  /// A server of `services`, with `threads` event loops.
  public init(services: [any RPCService], configuration: ServerConfiguration = ServerConfiguration(), threads: Int) {
    router = Router(services, interceptors: configuration.interceptors)
    self.configuration = configuration
    group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let budget = MemoryBudget(bytesMax: configuration.requestBytesMax)
    var loops: [ObjectIdentifier: ServerLoop] = [:]
    for (place, loop) in group.makeIterator().enumerated() {
      loops[ObjectIdentifier(loop)] = ServerLoop(
        loop, lane: UInt16(place + 1), budget: budget, configuration: configuration)
    }
    self.loops = loops
  }

  /// Listens on `host` and `port`, 0 for any port, and returns the address.
  /// - Throws: the system's error where it cannot listen there; `PlaintextRefused`.
  public func start(
    host: String, port: Int, security: ServerSecurity = .plaintextOnLoopback
  ) async throws -> SocketAddress {
    let wanted = try SocketAddress.makeAddressResolvingHost(host, port: port)
    try security.checkListening(on: wanted)
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      // A channel keeps its buffer: small for the many that are idle, large for those whose reads fill it, of which a
      // second would mostly find nothing.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 2048, maximum: 128 << 10)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 128 << 10, high: 256 << 10))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.accept(channel, security) }
      }
      .bind(to: wanted).get()
    state.withLock { $0.listener = listener }
    guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
    return address
  }

  private func accept(_ channel: any Channel, _ security: ServerSecurity) throws {
    guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else {
      throw ChannelError.inappropriateOperationForState
    }
    let isWelcome = state.withLock { state in
      guard !state.isDraining, state.connections < configuration.connectionsMax else { return false }
      state.connections += 1
      return true
    }
    guard isWelcome else {
      configuration.connectionRefused()
      // What is thrown here closes the connection; nobody else sees it.
      throw Unwelcome()
    }
    loop.add(channel) { self.forgetOne() }
    switch security {
    case .plaintextOnLoopback, .plaintext: try open(channel, Peer(channel.remoteAddress), on: loop)
    case .tls(let tls):
      let gate = TLSGate(failed: configuration.handshakeFailed) { try self.open(channel, $0, on: loop) }
      try channel.pipeline.syncOperations.addHandlers(tls.makeHandler(), gate)
    }
  }

  private func open(_ channel: any Channel, _ peer: Peer, on loop: ServerLoop) throws {
    let connection = try loop.open(channel) { start in
      try ServerConnection(router: router, configuration: configuration, loop: loop, peer: peer, start: start)
    }
    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(connection))
  }

  /// How many connections there are.
  public var connectionsCount: Int { state.withLock { $0.connections } }

  private func forgetOne() {
    let emptied = state.withLock { state in
      state.connections -= 1
      return state.connections == 0 ? state.emptied.takeValue() : nil
    }
    emptied?.resume()
  }

  /// Stops taking connections and calls, lets the calls that run finish for at most `grace`, then closes. Handlers are
  /// cancelled then, and may take `handlerGrace` to end.
  /// - Throws: `HandlersRunning`, with the event loops still there; the system's error where a socket does not close.
  public func shutDown(grace: Duration, handlerGrace: Duration = .seconds(5)) async throws {
    let listener = state.withLock { state in
      state.isDraining = true
      return state.listener.takeValue()
    }
    let listenerClosed = await Result.catching { try await listener?.close() }
    onEachLoop { $0.drain() }
    let abandoning = group.next().scheduleTask(in: TimeAmount(grace)) { self.onEachLoop { $0.abandon() } }
    let givingUp = group.next().scheduleTask(in: TimeAmount(grace + handlerGrace)) { self.endOfWait()?.resume() }
    await withCheckedContinuation { (emptied: CheckedContinuation<Void, Never>) in
      let isEmpty = state.withLock { state in
        if state.connections == 0 { return true }
        state.emptied = emptied
        return false
      }
      if isEmpty { emptied.resume() }
    }
    abandoning.cancel()
    givingUp.cancel()
    let left = state.withLock { $0.connections }
    if left > 0 { throw HandlersRunning(connections: left) }
    try await group.shutdownGracefully()
    try listenerClosed.get()
  }

  private func endOfWait() -> CheckedContinuation<Void, Never>? { state.withLock { $0.emptied.takeValue() } }

  private func onEachLoop(_ action: @escaping @Sendable (ServerLoop) -> Void) {
    for loop in loops.values { loop.executor.eventLoop.execute { action(loop) } }
  }
}

/// Handlers go on although their calls were cancelled.
public struct HandlersRunning: Error, CustomStringConvertible {
  /// How many connections they are of.
  public let connections: Int

  /// How many connections there are.
  public var description: String { "calls of \(connections) connections do not end although they were cancelled" }
}

extension Result where Failure == any Error {
  fileprivate static func catching(_ body: () async throws -> Success) async -> Result {
    do { return .success(try await body()) } catch { return .failure(error) }
  }
}

/// A connection that came during shutdown, or as one too many.
struct Unwelcome: Error {}
