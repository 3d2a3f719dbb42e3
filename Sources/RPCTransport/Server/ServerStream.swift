import DequeModule
import HTTP2
import NIOCore
import RPCCore

/// One call on the server: an HTTP/2 stream on one side, a handler's task on the other.
///
///     opened ──▶ request ──▶ running ──▶ over
///        └──────────┴──────────────────▶
///
/// `opened` until nghttp2 knows the stream; `request` until a handler can start; `running` while its task does;
/// `over` once the status is said or the stream is gone.
///
/// State is confined to the connection's event loop, hence the unchecked conformance; what handlers call from
/// elsewhere hops there first.
final class ServerStream: HTTP2Stream, ServerCall, @unchecked Sendable {
  enum Phase {
    case opened, request, running, over
  }

  private let connection: ServerConnection
  // No access to these encloses another; see `HTTP2Stream`.
  @exclusivity(unchecked) private var phase = Phase.opened
  private let head: RequestHead
  // What runs the handler, from `running` on.
  @exclusivity(unchecked) private var task: Task<Void, Never>?
  private let start: ContinuousClock.Instant
  @exclusivity(unchecked) private var deadline: ContinuousClock.Instant?
  @exclusivity(unchecked) private var timer: Scheduled<Void>?
  @exclusivity(unchecked) private var deframer: MessageDeframer
  // A oneRequest method's handler, once its request is decoded.
  @exclusivity(unchecked) private var body: ServerMethod.Body?

  // What a manyRequests method has not taken yet, and what of it the peer's window has not got back.
  @exclusivity(unchecked) private var requests = Deque<FramedMessage>()
  @exclusivity(unchecked) private var unconsumedBytes = 0
  @exclusivity(unchecked) private var hasAllRequests = false
  @exclusivity(unchecked) private var requestWaiter: CheckedContinuation<FramedMessage?, any Error>?

  @exclusivity(unchecked) private var initialMetadata = Metadata()
  @exclusivity(unchecked) private var trailers = Metadata()
  @exclusivity(unchecked) private var hasResponded = false
  @exclusivity(unchecked) private var roomWaiter: CheckedContinuation<Void, any Error>?

  init(id: Int32, head: RequestHead, connection: ServerConnection) {
    self.head = head
    self.connection = connection
    start = connection.executor.now
    deframer = MessageDeframer(messageBytesMax: connection.configuration.messageBytesMax)
    super.init(id: id)
  }

  // MARK: The request

  /// Acts on the request's head: starts what can start, or refuses.
  override func opened() {
    guard phase == .opened else { return }
    switch head.verdict {
    case .reject(.http(let status, let field)):
      phase = .over
      connection.respondOnly(ResponseHeaders.http(status, field), on: self)
    case .reject(.status(let error, _)): end(error)
    case .call(let method):
      phase = .request
      if let timeout = head.timeout { expire(after: timeout) }
      if case .manyRequests(let open) = method.handler { run(open(connection.configuration.decodeLimits), method) }
    }
  }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.consumeOnConnection(bytes.count)
    if phase == .over { return }
    unconsumedBytes += bytes.count
    do {
      try deframer.receive(bytes) { try receivedMessage($0) }
    } catch let failure as MessageDeframer.Failure {
      return end(failure.rpcError)
    } catch {
      return end(RPCError(answering: error))
    }
    returnWindow()
  }

  private func receivedMessage(_ message: UnsafeRawBufferPointer) throws {
    switch phase {
    case .request:
      guard case .call(let method) = head.verdict, case .oneRequest(let decode) = method.handler, body == nil else {
        throw RPCError(.unimplemented, "\(name) takes exactly one request; got more")
      }
      body = try decode(message, connection.configuration.decodeLimits)
    case .running:
      let frame = FramedMessage(payloadBytes: message.count) { target in
        if let base = message.baseAddress { target.copyMemory(from: base, byteCount: message.count) }
      }
      if let waiter = requestWaiter.takeValue() {
        waiter.resume(returning: frame)
      } else {
        requests.append(frame)
      }
    case .opened, .over: break
    }
  }

  override func receivedEnd() {
    if !deframer.isAtBoundary { return end(RPCError(.internal, "the request ends inside a message")) }
    switch phase {
    case .request:
      guard case .call(let method) = head.verdict, let body = body.takeValue() else {
        return end(RPCError(.unimplemented, "\(name) takes exactly one request; got none"))
      }
      run(body, method)
      connection.executor.runReady()
    case .running:
      hasAllRequests = true
      requestWaiter.takeValue()?.resume(returning: nil)
    case .opened, .over: break
    }
  }

  // The peer's window for this stream: held back only for messages that wait for the handler.
  private func returnWindow() {
    guard requests.isEmpty, unconsumedBytes > 0 else { return }
    connection.consume(unconsumedBytes, on: self)
    unconsumedBytes = 0
    connection.hasOutput()
  }

  // MARK: The handler

  private func run(_ body: @escaping ServerMethod.Body, _ method: ServerMethod) {
    let context = ServerContext(
      method: method.descriptor, metadata: head.metadata, deadline: deadline, peer: connection.peer)
    phase = .running
    connection.handlerStarted()
    task = Task(executorPreference: connection.executor) {
      do {
        try await body(context, self)
        self.handlerEnded(nil)
      } catch {
        self.handlerEnded(RPCError(answering: error))
      }
    }
  }

  private func expire(after timeout: Duration) {
    deadline = start + timeout
    guard timeout > .zero else { return end(.deadlineExceeded) }
    let at = NIODeadline.now() + TimeAmount(timeout)
    // Most calls are over by then and never need a timer.
    connection.executor.afterTasks { [self] in
      if phase == .over { return }
      timer = connection.executor.eventLoop.scheduleTask(deadline: at) { [weak self] in
        self?.end(.deadlineExceeded)
      }
    }
  }

  // MARK: The end

  // The handler returned or threw, on whatever thread it was.
  private func handlerEnded(_ error: RPCError?) {
    guard connection.executor.isCurrent else {
      return connection.executor.perform { self.handlerEnded(error) }
    }
    connection.handlerEnded()
    guard phase == .running else { return }
    finish(error)
  }

  /// Ends the call with a status, whatever its handler does, unless it is over.
  func end(_ error: RPCError) {
    guard phase != .over else { return }
    task?.cancel()
    finish(error)
  }

  private func finish(_ error: RPCError?) {
    var requestID: String?
    if let error, error.code == .internal, error.cause != nil {
      requestID = String(UInt64.random(in: .min ... .max), radix: 16)
    }
    let told = requestID.map { RPCError(.internal, "internal error, request id \($0)") } ?? error
    if hasResponded {
      connection.finish(self, trailers: ResponseHeaders.trailers(told, trailers))
    } else {
      var metadata = initialMetadata
      metadata.add(contentsOf: trailers)
      connection.respondOnly(ResponseHeaders.trailersOnly(told, metadata), on: self)
    }
    connection.hasOutput()
    leave(error, requestID)
  }

  override func dequeuedBody(_ bytes: Int) { connection.unsentBytes -= bytes }

  /// The stream is gone: it ended, was reset by the peer, or its connection is lost.
  override func closed(_ code: HTTP2ErrorCode) {
    guard phase != .over else { return }
    task?.cancel()
    leave(.cancelled, nil)
  }

  private func leave(_ error: RPCError?, _ requestID: String?) {
    phase = .over
    task = nil
    timer.takeValue()?.cancel()
    requests = []
    roomWaiter.takeValue()?.resume(throwing: error ?? .cancelled)
    requestWaiter.takeValue()?.resume(throwing: error ?? .cancelled)
    report(error, requestID)
  }

  private func report(_ error: RPCError?, _ requestID: String?) {
    guard let observer = connection.configuration.observer, observer.wants(error) else { return }
    observer.callEnded(
      CallSummary(
        method: name, peer: connection.peer,
        duration: .now - start, error: error, requestID: requestID))
  }

  private var name: String {
    switch head.verdict {
    case .call(let method): method.descriptor.path
    case .reject(.status(_, let path)): path
    case .reject(.http): "not gRPC"
    }
  }

  // MARK: What handlers call

  func send(_ metadata: Metadata) {
    connection.executor.perform { [self] in
      guard phase == .running, !hasResponded else { return }
      initialMetadata.add(contentsOf: metadata)
      respond()
    }
  }

  func addTrailers(_ metadata: Metadata) {
    connection.executor.perform { self.trailers.add(contentsOf: metadata) }
  }

  func enqueue(_ frame: FramedMessage) throws -> Bool {
    guard connection.executor.isCurrent else {
      connection.executor.perform { self.write(frame) }
      // Off the loop the room is not known: `waitForRoom` asks.
      return false
    }
    guard phase == .running else { throw over }
    write(frame)
    return hasRoom
  }

  private func write(_ frame: FramedMessage) {
    guard phase == .running else { return }
    if !hasResponded { respond() }
    connection.send(frame.bytes, ownedBy: frame.owner, on: self)
    connection.unsentBytes += frame.count
    connection.hasOutput()
  }

  private func respond() {
    hasResponded = true
    connection.respond(ResponseHeaders.initial(initialMetadata), on: self)
    connection.hasOutput()
  }

  // A stream with nothing waiting may always send one message, so that those whose peer does not read hold up none
  // of the others.
  var hasRoom: Bool {
    unsentBytes == 0
      || unsentBytes < connection.configuration.streamUnsentBytesMax
        && connection.unsentBytes < connection.configuration.connectionUnsentBytesMax
  }

  func waitForRoom() async throws {
    try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
      connection.executor.perform { [self] in
        guard phase == .running else { return waiter.resume(throwing: over) }
        if hasRoom { return waiter.resume() }
        roomWaiter = waiter
        connection.waitForRoom(self)
      }
    }
  }

  /// Lets the handler go on if there is room; false if it must wait longer.
  func offerRoom() -> Bool {
    guard hasRoom || isClosed else { return roomWaiter == nil }
    roomWaiter.takeValue()?.resume()
    return true
  }

  func nextRequest() async throws -> FramedMessage? {
    try await withCheckedThrowingContinuation { waiter in
      connection.executor.perform { [self] in
        guard phase == .running else { return waiter.resume(throwing: over) }
        guard let request = requests.popFirst() else {
          if hasAllRequests { return waiter.resume(returning: nil) }
          requestWaiter = waiter
          return
        }
        waiter.resume(returning: request)
        returnWindow()
      }
    }
  }

  private var over: RPCError {
    if let deadline, deadline <= .now { return .deadlineExceeded }
    return .cancelled
  }
}

extension RPCError {
  static let cancelled = RPCError(.cancelled, "the call was cancelled")
  static let deadlineExceeded = RPCError(.deadlineExceeded, "the deadline passed")
}

extension Optional {
  /// Leaves nil behind and returns what was there.
  mutating func takeValue() -> Wrapped? {
    defer { self = nil }
    return self
  }
}
