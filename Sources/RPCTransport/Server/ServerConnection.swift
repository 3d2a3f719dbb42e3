import HTTP2
import NIOCore
import RPCCore

/// One client's connection: requests to calls, and the limits that hold for it. Lives on its event loop.
final class ServerConnection: SocketConnection {
  // Tells the ack of a PING before a drain from those of keepalive.
  private static let drainPing: UInt64 = 1
  private static let keepalivePing: UInt64 = 2

  let configuration: ServerConfiguration
  let router: Router
  private let memory: LoopMemory
  let lane: UInt16
  let id = CallID.Connection()
  @exclusivity(unchecked) private var head: RequestHeadReader
  @exclusivity(unchecked) private var care: ConnectionCare
  @exclusivity(unchecked) private var frameBudget: FrameBudget
  @exclusivity(unchecked) private var pingPolicy: PingPolicy
  @exclusivity(unchecked) private var requestCount: UInt64 = 0
  @exclusivity(unchecked) private var lastFrame: FrameHeader?
  // When the header list began, or the frame that is not DATA, that the last read ended inside of.
  @exclusivity(unchecked) private var headersBegan: MonotonicInstant?
  @exclusivity(unchecked) private var lastReceived: MonotonicInstant
  @exclusivity(unchecked) private var runningHandlers = 0
  @exclusivity(unchecked) private var idleAction: (() -> Void)?

  /// The connection of a channel that was there since `start`.
  init(
    router: Router, configuration: ServerConfiguration, loop: ServerLoop, peer: Peer, start: MonotonicInstant
  ) throws {
    self.router = router
    self.configuration = configuration
    memory = loop.memory
    lane = loop.lane
    head = RequestHeadReader(router: router, peer: peer)
    lastReceived = start
    care = ConnectionCare(configuration.limits, start: start, jitter: .random(in: 0...1))
    frameBudget = FrameBudget(configuration.limits, at: start)
    pingPolicy = PingPolicy(configuration.limits)
    try super.init(
      .server, settings: configuration.http2,
      sendBounds: SendBounds(
        streamBytesMax: configuration.streamUnsentBytesMax, connectionBytesMax: configuration.connectionUnsentBytesMax),
      executor: loop.executor)
  }

  override func received() {
    lastReceived = executor.now
    headersBegan = isInsideHeaders ? headersBegan ?? lastReceived : nil
  }

  // DATA is not counted: a message may come in as slowly as the limit for messages says.
  private var isInsideHeaders: Bool {
    guard let lastFrame else { return true }
    switch lastFrame.type {
    case .headers, .continuation: return !lastFrame.isEndOfHeaders || !isBetweenFrames
    case .data: return false
    default: return !isBetweenFrames
    }
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

  // MARK: Limits

  /// Takes of the server's memory what a call that has `taken` bytes of it needs to hold `held`, or gives back what it no
  /// longer needs. False if the server has no more.
  func settleMemory(of taken: Int, at held: Int) -> Bool {
    if held > taken { return memory.take(held - taken, callBytes: held) }
    memory.give(taken - held)
    return true
  }

  /// Looks at how long things take, and does what is due.
  func look(at now: MonotonicInstant) {
    if hasStreams {
      forEachStream { stream in (stream as? ServerStream)?.look(at: now) }
    }
    let seen = ConnectionCare.Observation(
      now: now, lastReceived: lastReceived, headersBegan: headersBegan, requests: requestCount, hasStreams: hasStreams,
      isWritable: isWritable)
    perform(care.look(seen), at: now)
  }

  private func perform(_ action: ConnectionCare.Action, at now: MonotonicInstant) {
    switch action {
    case .nothing: return
    case .ping: submitPing(Self.keepalivePing)
    case .announceDrain:
      submitShutdownNotice()
      submitPing(Self.drainPing)
    case .drain: submitGoAway(.noError)
    case .close(.noRequest): leave(.noError, reason: "no_request", at: now)
    case .close(.slowHeaders): leave(.enhanceYourCalm, reason: "slow_headers", at: now)
    case .close(.calmDown): leave(.enhanceYourCalm, reason: "too_many_frames", at: now)
    case .close(.unreadOutput), .close(.unansweredPing), .close(.drained): close()
    }
    hasOutput()
  }

  /// Sends the client away, telling it why.
  private func leave(_ code: HTTP2ErrorCode, reason: StaticString, at now: MonotonicInstant) {
    guard !care.isLeaving else { return }
    care.beginLeaving(at: now)
    submitGoAway(code, reason: reason)
    leave()
  }

  override func receiveFailed(_ error: any Error) {
    // A flood that reaches nghttp2's own limit first leaves the peer without a word.
    if (error as? HTTP2Error)?.isFlood == true { perform(.close(.calmDown), at: executor.clock()) } else { finished() }
  }

  override func finished() {
    care.beginLeaving(at: executor.clock())
    leave()
  }

  // MARK: Going away

  /// Takes no more calls, and closes when those it has are over. They may take until `abandon`.
  func drain() {
    let now = executor.clock()
    perform(care.beginDrain(at: now, grace: nil), at: now)
  }

  /// Closes with the calls it has.
  func abandon() {
    terminate(.noError)
    close()
  }

  // MARK: HTTP/2

  override func receivedFrameHeader(_ header: FrameHeader) {
    lastFrame = header
    if header.isContent { return }
    let now = executor.now
    if header.type == .ping, !header.isAcknowledgement,
      pingPolicy.receivedPing(at: now, hasCalls: hasStreams, contentFramesSent: contentFramesSent)
    {
      return leave(.enhanceYourCalm, reason: "too_many_pings", at: now)
    }
    if !frameBudget.take(header, at: now, contentFramesSent: contentFramesSent) { perform(.close(.calmDown), at: now) }
  }

  override func receivedPingAck(_ payload: UInt64) {
    if payload == Self.drainPing { perform(care.announcementArrived(), at: executor.now) }
  }

  override func receivedBeginningOfRequest() {
    head.begin()
  }

  override func receivedField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {
    head.receive(name, value, &repeated)
  }

  // Streams that the server must reset cost the client nothing, and no count of its own resets sees them.
  override func sentReset(_ code: HTTP2ErrorCode) {
    let now = executor.now
    if code != .noError, !frameBudget.takeReset(at: now) { perform(.close(.calmDown), at: now) }
  }

  override func receivedFrameAfterEnd(on id: Int32) {
    leave(.streamClosed, reason: "frame_after_end", at: executor.now)
  }

  override func receivedRequest(
    on id: Int32, isOverLong: Bool, _ repeated: inout RepeatedFields
  ) -> HTTP2Stream? {
    // What the peer was told is that this request is not served, so that it may try elsewhere.
    if care.isLeaving { return nil }
    // Handlers go on for a while after their calls were cancelled, and HTTP/2 counts only the calls.
    if runningHandlers >= 2 * Int(configuration.http2.concurrentStreamsMax) { return nil }
    requestCount += 1
    let head =
      isOverLong
      ? head.finishOverLong(bytesMax: Int(configuration.http2.headerListBytesMax)) : head.finish(&repeated)
    return ServerStream(id: id, head: head, connection: self)
  }
}
