import DequeModule
import HTTP2
import NIOCore
import NIOPosix
import RPCCore

/// Keeps a connection to one server, made when a call needs it and made again when it is lost; calls wait here while
/// there is none (grpc/doc/connectivity-semantics-and-api.md, connection-backoff.md). Lives on one event loop.
///
///     idle ──▶ connecting ──▶ ready ──▶ idle
///      ▲            │
///      └── failed ◀─┘                any ──▶ closed
///
/// All calls share one connection. Where the server takes no more at once, further calls wait rather than open another
/// connection: the number is what the server says it can bear from one client.
///
/// Confined to the loop, hence the unchecked conformance.
final class Subchannel: ClientConnection.Owner, CallQueue, @unchecked Sendable {
  private enum Phase {
    case idle
    /// Nil until there is a socket.
    case connecting(ClientConnection?, since: NIODeadline, timer: Scheduled<Void>)
    case ready(ClientConnection)
    /// Connecting failed and is not tried again for a while.
    case failed(RPCError, timer: Scheduled<Void>)
    case closed
  }

  private let connector: Connector
  private let executor: LoopExecutor
  private var configuration: ClientConfiguration
  private var phase = Phase.idle
  private var failures = 0
  // In order. Calls that ended while they waited are swept out once there are enough of them.
  private var waiting = Deque<SocketCall>()
  private var abandonedCalls = 0
  // All that are not lost, the current one among them.
  private var connections: [ObjectIdentifier: ClientConnection] = [:]
  private var closeActions: [() -> Void] = []

  init(_ connector: Connector, _ configuration: ClientConfiguration, _ executor: LoopExecutor) {
    self.connector = connector
    self.configuration = configuration
    self.executor = executor
  }

  // MARK: Calls

  /// Makes the call now or as soon as there is a connection for it.
  func start(_ call: SocketCall) {
    call.wait(in: self)
    guard call.isWaiting else { return }
    switch phase {
    case .closed: call.end(with: .clientClosed, dropping: true)
    case .failed(let error, _) where !call.options.waitForReady:
      call.end(with: error, dropping: true, isUnprocessed: true)
    case .idle:
      waiting.append(call)
      connect()
    case .connecting, .failed: waiting.append(call)
    case .ready:
      waiting.append(call)
      startWaiting()
    }
  }

  private func startWaiting() {
    while case .ready(let connection) = phase, connection.hasRoom, let call = waiting.popFirst() {
      guard call.isWaiting else { continue }
      do {
        try connection.open(call)
      } catch {
        // It has had as many streams as a connection can have.
        waiting.prepend(call)
        connection.drain()
      }
    }
  }

  func abandoned() {
    abandonedCalls += 1
    guard abandonedCalls > waiting.count / 2 else { return }
    waiting.removeAll { !$0.isWaiting }
    abandonedCalls = 0
  }

  private func fail(_ error: RPCError, where isConcerned: (SocketCall) -> Bool) {
    let calls = waiting
    waiting = calls.filter { $0.isWaiting && !isConcerned($0) }
    for call in calls where isConcerned(call) { call.end(with: error, dropping: true, isUnprocessed: true) }
  }

  // MARK: Connecting

  private func connect() {
    let now = NIODeadline.now()
    let timer = schedule(at: now + TimeAmount(configuration.connectTimeout)) { [weak self] in
      self?.connectionFailed("it took too long")
    }
    phase = .connecting(nil, since: now, timer: timer)
    connector.connect(configuration) { [self] result in
      switch result {
      case .failure(let error): socketFailed("\(error)", since: now)
      case .success(let connection): socketConnected(connection, since: now)
      }
    }
  }

  // What comes of an attempt that was given up is of no interest; `since` tells it from the present one.

  private func socketFailed(_ cause: String, since: NIODeadline) {
    if case .connecting(nil, since, _) = phase { connectionFailed(cause) }
  }

  private func socketConnected(_ connection: ClientConnection, since: NIODeadline) {
    guard case .connecting(nil, since, let timer) = phase else { return connection.abandon("it came too late") }
    phase = .connecting(connection, since: since, timer: timer)
    connections[ObjectIdentifier(connection)] = connection
    connection.owner = self
    if connection.phase == .ready { connectionIsReady(connection) }
  }

  private func connectionFailed(_ cause: String) {
    guard case .connecting(let connection, let since, let timer) = phase else { return }
    timer.cancel()
    failures += 1
    let pause = configuration.backoff.pause(afterFailures: failures, random: configuration.random())
    let error = RPCError(.unavailable, "cannot connect to \(connector.target): \(cause)")
    phase = .failed(
      error, timer: schedule(at: since + TimeAmount(pause)) { [weak self] in self?.backoffEnded() })
    connection?.abandon(cause)
    fail(error) { !$0.options.waitForReady }
  }

  private func backoffEnded() {
    guard case .failed = phase else { return }
    phase = .idle
    connectIfNeeded()
  }

  private func connectIfNeeded() {
    if case .idle = phase, waiting.contains(where: \.isWaiting) { connect() }
  }

  private func schedule(at time: NIODeadline, _ action: @escaping () -> Void) -> Scheduled<Void> {
    executor.eventLoop.assumeIsolated().scheduleTask(deadline: time, action)
  }

  // MARK: What connections tell

  func connectionIsReady(_ connection: ClientConnection) {
    guard case .connecting(let current?, _, let timer) = phase, current === connection else { return }
    timer.cancel()
    failures = 0
    phase = .ready(connection)
    startWaiting()
  }

  func connectionHasRoom(_ connection: ClientConnection) { startWaiting() }

  func connectionIsLeaving(_ connection: ClientConnection, _ code: HTTP2ErrorCode) {
    // The server was asked for signs of life too often (gRFC A8).
    if code == .enhanceYourCalm, let time = configuration.keepalive.time { configuration.keepalive.time = time * 2 }
    release(connection)
  }

  func connectionWasLost(_ connection: ClientConnection, _ error: RPCError) {
    connections[ObjectIdentifier(connection)] = nil
    if case .connecting(let current?, _, _) = phase, current === connection { return connectionFailed(error.message) }
    release(connection)
    tellIfClosed()
  }

  /// The next call needs another connection.
  private func release(_ connection: ClientConnection) {
    guard case .ready(let current) = phase, current === connection else { return }
    phase = .idle
    connectIfNeeded()
  }

  // MARK: The end

  /// Takes no more calls; those that have a stream go on. Calls `whenClosed` once all connections are.
  func close(whenClosed: @escaping () -> Void) {
    switch phase {
    case .connecting(_, _, let timer), .failed(_, let timer): timer.cancel()
    case .idle, .ready, .closed: break
    }
    phase = .closed
    fail(.clientClosed) { _ in true }
    for connection in connections.values { connection.drain() }
    closeActions.append(whenClosed)
    tellIfClosed()
  }

  /// Ends the calls that are left.
  func abandon() {
    for connection in connections.values { connection.abandon("the client was closed") }
  }

  private func tellIfClosed() {
    guard case .closed = phase, connections.isEmpty else { return }
    let actions = closeActions
    closeActions = []
    for action in actions { action() }
  }
}

extension RPCError {
  fileprivate static let clientClosed = RPCError(.unavailable, "the client was closed")
}
