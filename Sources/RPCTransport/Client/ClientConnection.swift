import HTTP2
import NIOCore
import RPCCore

/// One connection to the server: calls to streams. Lives on its event loop.
///
///     handshaking ──▶ ready ──▶ leaving ──▶ lost
///          └────────────┴───────────────────▶
///
/// `handshaking` until the server's SETTINGS are there; `leaving` once either side wants no more calls on it.
final class ClientConnection: SocketConnection {
  /// What its owner is told.
  protocol Owner: AnyObject {
    /// Calls can be made.
    func connectionIsReady(_ connection: ClientConnection)
    /// There may be room for further calls.
    func connectionHasRoom(_ connection: ClientConnection)
    /// The server wants no further calls on it; those that it has go on.
    func connectionIsLeaving(_ connection: ClientConnection, _ code: HTTP2ErrorCode)
    /// It is gone, with its calls.
    func connectionWasLost(_ connection: ClientConnection, _ error: RPCError)
  }

  enum Phase {
    case handshaking, ready, leaving, lost
  }

  let configuration: ClientConfiguration
  private let headers: RequestHeaders
  weak var owner: (any Owner)?
  @exclusivity(unchecked) private(set) var phase = Phase.handshaking
  @exclusivity(unchecked) private var cause: String?
  @exclusivity(unchecked) private var openStreams = 0
  @exclusivity(unchecked) private var keepalive: ClientKeepalive?
  @exclusivity(unchecked) private var keepaliveTimer: Scheduled<Void>?
  @exclusivity(unchecked) private var idleSince: NIODeadline?
  @exclusivity(unchecked) private var idleTimer: Scheduled<Void>?

  init(_ configuration: ClientConfiguration, _ headers: RequestHeaders, _ executor: LoopExecutor) throws {
    self.configuration = configuration
    self.headers = headers
    keepalive = ClientKeepalive(configuration.keepalive, now: .now())
    try super.init(
      .client, settings: configuration.http2,
      sendBounds: SendBounds(
        streamBytesMax: configuration.streamUnsentBytesMax, connectionBytesMax: configuration.connectionUnsentBytesMax),
      executor: executor)
  }

  // MARK: Calls

  /// Whether the server takes another call on it (RFC 9113 section 5.1.2).
  var hasRoom: Bool { phase == .ready && hasChannel && openStreams < peerConcurrentStreamsMax }

  private var hasChannel: Bool { handler != nil }

  /// Makes the call.
  /// - Throws: `HTTP2Error` where the connection can have no further streams.
  func open(_ call: SocketCall) throws {
    let fields = headers.fields(call.method, call.options, timeout: call.timeLeft)
    let bytes = RequestHeaders.listBytes(fields)
    let bytesMax = min(peerHeaderListBytesMax, Self.headerListBytesMax)
    guard bytes <= bytesMax else {
      let message = "the request's headers take \(bytes) bytes; the server accepts at most \(bytesMax)"
      return call.end(with: RPCError(.resourceExhausted, message), dropping: false)
    }
    var made: ClientStream?
    _ = try open(HeaderBlock(fields)) { id in
      let stream = ClientStream(id: id, call, self)
      made = stream
      return stream
    }
    openStreams += 1
    idleSince = nil
    if let made { call.start(on: made) }
    hasOutput()
    beginKeepalive()
  }

  // What nghttp2 sends at most, whatever the peer accepts.
  private static let headerListBytesMax = 64 << 10

  func streamClosed() {
    openStreams -= 1
    guard phase == .ready, hasChannel else { return }
    if openStreams == 0 { becomeIdle() }
    owner?.connectionHasRoom(self)
  }

  // MARK: Signs of life

  override func received() { keepalive?.received(at: .now()) }

  private func beginKeepalive() {
    // Else its timer runs already.
    if keepalive?.phase == .dormant { keepAlive() }
  }

  private func keepAlive() {
    guard phase != .lost, let action = keepalive?.advance(to: .now(), hasCalls: openStreams > 0) else { return }
    switch action {
    case .rest: break
    case .wait(let until): keepAlive(at: until)
    case .ping(let until):
      submitPing(0)
      hasOutput()
      keepAlive(at: until)
    case .giveUp: abandon("the server gave no sign of life")
    }
  }

  private func keepAlive(at time: NIODeadline) {
    keepaliveTimer = executor.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
      self?.keepAlive()
    }
  }

  private func becomeIdle() {
    guard let timeout = configuration.idleTimeout else { return }
    let end = NIODeadline.now() + TimeAmount(timeout)
    idleSince = .now()
    // One timer outlives many calls.
    if idleTimer == nil { closeWhenIdle(at: end) }
  }

  private func closeWhenIdle(at time: NIODeadline) {
    idleTimer = executor.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
      guard let self else { return }
      idleTimer = nil
      guard let since = idleSince, let timeout = configuration.idleTimeout else { return }
      let end = since + TimeAmount(timeout)
      if end <= .now() { drain() } else { closeWhenIdle(at: end) }
    }
  }

  // MARK: The end

  /// Takes no more calls, and closes when those it has are over.
  func drain() {
    guard phase == .handshaking || phase == .ready else { return }
    let wasReady = phase == .ready
    phase = .leaving
    submitGoAway(.noError)
    hasOutput()
    if wasReady { owner?.connectionIsLeaving(self, .noError) }
  }

  /// Closes at once; the calls it has end with UNAVAILABLE and `cause`.
  func abandon(_ cause: String) {
    note(cause)
    terminate(.noError)
    close()
  }

  /// Something went wrong that will end the connection; the first that did is told.
  func note(_ cause: String) {
    if self.cause == nil { self.cause = cause }
  }

  /// Why the connection is lost; nil while it is not.
  var failure: RPCError? { hasChannel ? nil : RPCError(.unavailable, cause ?? "the connection was lost") }

  override func detached() {
    phase = .lost
    keepaliveTimer?.cancel()
    idleTimer?.cancel()
    if let failure { owner?.connectionWasLost(self, failure) }
  }

  // MARK: What the server says of the connection

  override func receivedSettings() {
    switch phase {
    case .handshaking:
      phase = .ready
      becomeIdle()
      owner?.connectionIsReady(self)
      beginKeepalive()
    case .ready: owner?.connectionHasRoom(self)
    case .leaving, .lost: break
    }
  }

  override func receivedGoAway(lastStream: Int32, _ code: HTTP2ErrorCode) {
    if code != .noError { note("the server closed the connection with HTTP/2 error \(code.rawValue)") }
    guard phase == .ready else { return }
    phase = .leaving
    owner?.connectionIsLeaving(self, code)
  }
}
