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
final class ServerStream: HTTP2Stream, ServerCall, RoomWaiter, @unchecked Sendable {
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
  // From `request` on, and for every call that is refused.
  @exclusivity(unchecked) private var context: ServerContext?
  @exclusivity(unchecked) private var timer: Scheduled<Void>?
  @exclusivity(unchecked) private var deframer: MessageDeframer
  // A oneRequest method's handler, once its request is decoded.
  @exclusivity(unchecked) private var body: ServerMethod.Body?

  // What a manyRequests method has not taken yet.
  @exclusivity(unchecked) private var requests = IncomingMessages()

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
    case .reject(.status(let error, let path)):
      context = makeContext(MethodDescriptor(path: path))
      end(error)
    case .call(let method):
      phase = .request
      let context = makeContext(method.descriptor)
      self.context = context
      do {
        try method.interceptors.begin(context)
      } catch {
        return end(RPCError(answering: error))
      }
      if let timeout = head.timeout { expire(after: timeout) }
      if case .manyRequests(let open) = method.handler { run(open(connection.configuration.decodeLimits), context) }
    }
  }

  private func makeContext(_ method: MethodDescriptor) -> ServerContext {
    ServerContext(
      method: method, start: start, deadline: head.timeout.map { start + $0 }, metadata: head.metadata,
      peer: connection.peer, id: CallID(connection: connection.id, stream: id), credentials: head.credentials)
  }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.consumeOnConnection(bytes.count)
    if phase == .over { return }
    requests.received(bytes.count)
    do {
      try deframer.receive(bytes) { message, _ in try receivedMessage(message) }
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
      requests.append(frame)
    case .opened, .over: break
    }
  }

  override func receivedEnd() {
    if !deframer.isAtBoundary { return end(RPCError(.internal, "the request ends inside a message")) }
    switch phase {
    case .request:
      guard let context, let body = body.takeValue() else {
        return end(RPCError(.unimplemented, "\(name) takes exactly one request; got none"))
      }
      run(body, context)
      connection.executor.runReady()
    case .running:
      requests.finish()
    case .opened, .over: break
    }
  }

  // The peer's window for this stream: held back only for messages that wait for the handler.
  private func returnWindow() {
    let bytes = requests.takeReturnableBytes()
    guard bytes > 0 else { return }
    connection.consume(bytes, on: self)
    connection.hasOutput()
  }

  // MARK: The handler

  private func run(_ body: @escaping ServerMethod.Body, _ context: ServerContext) {
    phase = .running
    connection.handlerStarted()
    task = Task(executorPreference: connection.executor) {
      do {
        try await TraceContext.continuing(context.trace) { try await body(context, self) }
        self.handlerEnded(nil)
      } catch {
        self.handlerEnded(RPCError(answering: error))
      }
    }
  }

  private func expire(after timeout: Duration) {
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
    let told = withoutCause(error)
    if hasResponded {
      connection.finish(self, trailers: ResponseHeaders.trailers(told, trailers))
    } else {
      var metadata = initialMetadata
      metadata.add(contentsOf: trailers)
      connection.respondOnly(ResponseHeaders.trailersOnly(told, metadata), on: self)
    }
    connection.hasOutput()
    leave(error)
  }

  // What failed inside is for the log, where the caller's operator finds it by the request id.
  private func withoutCause(_ error: RPCError?) -> RPCError? {
    guard let error, error.code == .internal, error.cause != nil, let context else { return error }
    return RPCError(.internal, "internal error, request id \(context.id)")
  }

  /// The stream is gone: it ended, was reset by the peer, or its connection is lost.
  override func closed(_ code: HTTP2ErrorCode) {
    guard phase != .over else { return }
    task?.cancel()
    leave(.cancelled)
  }

  private func leave(_ error: RPCError?) {
    phase = .over
    task = nil
    timer.takeValue()?.cancel()
    requests.fail(error ?? .cancelled)
    roomWaiter.takeValue()?.resume(throwing: error ?? .cancelled)
    guard let context else { return }
    let interceptors =
      if case .call(let method) = head.verdict { method.interceptors } else { connection.router.fallbackInterceptors }
    if !interceptors.isEmpty { interceptors.end(CallSummary(context, duration: .now - start, error: error)) }
  }

  private var name: String { context?.method.path ?? "not gRPC" }

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
    connection.hasOutput()
  }

  private func respond() {
    hasResponded = true
    connection.respond(ResponseHeaders.initial(initialMetadata), on: self)
    connection.hasOutput()
  }

  private var hasRoom: Bool { connection.hasRoom(for: self) }

  func waitForRoom() async throws {
    try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
      connection.executor.perform { [self] in
        guard phase == .running else { return waiter.resume(throwing: over) }
        if hasRoom { return waiter.resume() }
        roomWaiter = waiter
        connection.tellOfRoom(self)
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
        requests.take(waiter)
        returnWindow()
      }
    }
  }

  private var over: RPCError {
    if let deadline = context?.deadline, deadline <= .now { return .deadlineExceeded }
    return .cancelled
  }
}

extension RPCError {
  static let cancelled = RPCError(.cancelled, "the call was cancelled")
  static let deadlineExceeded = RPCError(.deadlineExceeded, "the deadline passed")
}
