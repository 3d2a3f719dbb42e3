import HTTP2
import NIOCore
import RPCCore

/// One client's connection: requests to calls. Lives on its event loop.
final class ServerConnection: SocketConnection {
  let configuration: ServerConfiguration
  let router: Router
  let id = CallID.Connection()
  @exclusivity(unchecked) private var head: RequestHeadReader
  @exclusivity(unchecked) private(set) var peer = Peer(address: "unknown")
  @exclusivity(unchecked) private var runningHandlers = 0
  @exclusivity(unchecked) private var idleAction: (() -> Void)?

  init(router: Router, configuration: ServerConfiguration, executor: LoopExecutor) throws {
    self.router = router
    self.configuration = configuration
    head = RequestHeadReader(router: router, listBytesMax: Int(configuration.http2.headerListBytesMax))
    try super.init(
      .server, settings: configuration.http2,
      sendBounds: SendBounds(
        streamBytesMax: configuration.streamUnsentBytesMax, connectionBytesMax: configuration.connectionUnsentBytesMax),
      executor: executor)
  }

  override func attached(to channel: any Channel) {
    peer = Peer(address: channel.remoteAddress.map(describe) ?? "unknown")
  }

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
    close()
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
