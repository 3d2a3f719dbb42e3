import HTTP2
import NIOCore
import RPCCore

/// One call on the server: an HTTP/2 stream on one side, a handler's task on the other.
///
///     opened ──▶ request ──▶ running ──▶ over
///        └──────────┴──────────────────▶
///
/// `opened` until nghttp2 knows the stream; `request` until a handler can start; `running` while its task does;
/// `over` once the status is said or the stream is gone. A stream that is `over` may still have the answer to send, for
/// which the peer has a time of its own.
///
/// State is confined to the connection's event loop, hence the unchecked conformance; what handlers call from
/// elsewhere hops there first.
final class ServerStream: HTTP2Stream, @unchecked Sendable {
  enum Phase {
    case opened, request, running, over
  }

  // What a call takes besides its message: the stream, its task, its context.
  private static let callBytes = 2048

  let connection: ServerConnection
  let context: ServerContext
  private let method: ServerMethod
  // Why there is no call of a method, if so.
  private let rejection: RequestHead.Rejection?
  // What is done around the call. Beside the method that says so, since a call asks four times.
  let interceptors: CallInterceptors
  // No access to these encloses another; see `HTTP2Stream`.
  @exclusivity(unchecked) private(set) var phase = Phase.opened
  // What runs the handler, from `running` on, and whether anything ever did.
  @exclusivity(unchecked) private var task: Task<Void, Never>?
  @exclusivity(unchecked) private var hasRun = false
  @exclusivity(unchecked) private var timer: Scheduled<Void>?
  @exclusivity(unchecked) private var deframer: MessageDeframer
  @exclusivity(unchecked) private var pace = MessagePace()
  @exclusivity(unchecked) private var readingPace = ReadingPace()
  // How many interceptors know of the call.
  @exclusivity(unchecked) private var told = 0
  // A oneRequest method's call, once its request came in.
  @exclusivity(unchecked) private var prepared: PreparedCall?
  @exclusivity(unchecked) private var preparedBytes = 0
  // What a manyRequests method has not taken yet.
  @exclusivity(unchecked) var requests = IncomingMessages()
  // Of the server's memory for calls.
  @exclusivity(unchecked) private var takenBytes = 0

  @exclusivity(unchecked) var response: ResponseHead
  // Who waits for room.
  @exclusivity(unchecked) var writer: StreamWaiter<Void>?

  init(id: Int32, head: consuming RequestHead, connection: ServerConnection) {
    self.connection = connection
    deframer = MessageDeframer(messageBytesMax: connection.configuration.messageBytesMax)
    deframer.encoding = head.common.encoding
    response = ResponseHead(requestEncoding: head.common.encoding, accepted: head.common.acceptedEncoding)
    let descriptor: MethodDescriptor
    switch head.verdict {
    case .call(let called):
      descriptor = called.descriptor
      (method, rejection, interceptors) = (called, nil, called.interceptors)
    case .reject(let reason):
      descriptor = MethodDescriptor(path: reason.path)
      method = connection.router.unknownMethod
      (rejection, interceptors) = (reason, connection.router.unknownMethod.interceptors)
    }
    context = ServerContext(
      method: descriptor, start: connection.executor.now, timeout: head.timeout, caller: head.common.caller,
      id: CallID(connection: connection.id, stream: id), lane: connection.lane)
    super.init(id: id)
  }

  // MARK: The request

  /// Acts on the request's head: starts what can start, or refuses.
  override func opened() {
    guard phase == .opened else { return }
    if let rejection { return reject(rejection) }
    phase = .request
    do {
      try interceptors.begin(context, told: &told)
      try settleMemory()
    } catch {
      return end(RPCError(answering: error))
    }
    if let timeout = context.timeout { expire(after: timeout) }
    if phase == .over { return }
    if case .manyRequests(let open) = method.handler { run(open(connection.configuration.decodeLimits)) }
  }

  private func reject(_ reason: RequestHead.Rejection) {
    switch reason {
    case .http(let status, let field):
      phase = .over
      connection.respondOnly(ResponseHeaders.http(status, field), on: self)
    case .status(let refusal, _):
      do {
        try interceptors.begin(context, told: &told)
        end(refusal)
      } catch {
        end(RPCError(answering: error))
      }
    }
  }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.consumeOnConnection(bytes.count)
    if phase == .over { return }
    do {
      requests.received(bytes.count)
      try deframer.receive(bytes) { try receivedMessage($0, wasCompressed: $1) }
      try settleMemory()
    } catch let failure as MessageDeframer.Failure {
      return end(failure.rpcError)
    } catch {
      return end(RPCError(answering: error))
    }
    if phase == .running { pace.received(isInside: !deframer.isAtBoundary, at: connection.executor.now) }
    returnWindow()
  }

  private func receivedMessage(_ message: UnsafeRawBufferPointer, wasCompressed: Bool) throws {
    switch phase {
    case .request:
      guard case .oneRequest(let prepare) = method.handler, prepared == nil else {
        throw RPCError(.unimplemented, "\(name) takes exactly one request; got more")
      }
      context.noteRequest(wasCompressed: wasCompressed)
      interceptors.received(context)
      let call = try prepare(message, connection.configuration.decodeLimits, context)
      switch call {
      case .waiting(_, let requestBytes): preparedBytes = requestBytes
      // It waits for the end of the request, which may be long in coming.
      case .answered(let answer): preparedBytes = answer.frame.count > Self.callBytes ? answer.frame.count : 0
      }
      prepared = call
    case .running:
      pace.complete()
      interceptors.received(context)
      requests.append(FramedMessage(copying: message, wasCompressed: wasCompressed))
    case .opened, .over: break
    }
  }

  override func receivedEnd() {
    if !deframer.isAtBoundary { return end(RPCError(.internal, "the request ends inside a message")) }
    switch phase {
    case .request:
      switch prepared.takeValue() {
      case nil: end(RPCError(.unimplemented, "\(name) takes exactly one request; got none"))
      case .answered(let answer): finish(with: answer)
      case .waiting(let body, _):
        run(body)
        connection.executor.runReady()
      }
    case .running: requests.finish()
    case .opened, .over: break
    }
  }

  /// Gives the peer its window back for what does not wait for the handler.
  func returnWindow() {
    // Nothing more is to come.
    if prepared != nil { return }
    let bytes = requests.takeReturnableBytes()
    guard bytes > 0 else { return }
    connection.consume(bytes, on: self)
    connection.hasOutput()
  }

  // MARK: Limits

  /// Takes of the server's memory what the call holds now, or gives back what it no longer does.
  func settleMemory() throws {
    guard settleMemory(at: Self.callBytes + preparedBytes + deframer.heldBytes + requests.waitingBytes) else {
      throw RPCError.requestMemoryExhausted
    }
  }

  private func settleMemory(at held: Int) -> Bool {
    if held == takenBytes { return true }
    if !connection.settleMemory(of: takenBytes, at: held) { return false }
    takenBytes = held
    return true
  }

  /// Ends what takes too long: the call if a message of it does not come in, the stream of a call that is over if its
  /// answer is not taken.
  func look(at now: MonotonicInstant) {
    if phase == .over {
      let limit = connection.configuration.limits.unreadOutput
      if readingPace.isOver(limit, waitingBytes: unsentBytes, at: now) { drop() }
      return
    }
    let limit = connection.configuration.limits.body
    guard let limit else { return }
    // The one message of a call is to come from its beginning on.
    let isOver =
      phase == .request
      ? now - context.start >= limit : pace.isOver(limit, isHeldBack: requests.waitingBytes > 0, at: now)
    guard isOver else { return }
    end(RPCError(.deadlineExceeded, "the request took longer than \(limit) to come in", reason: "REQUEST_TOO_SLOW"))
    connection.hasOutput()
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

  // MARK: The handler

  private func run(_ body: @escaping ServerMethod.Body) {
    phase = .running
    hasRun = true
    let context = context
    connection.handlerStarted()
    task = Task(executorPreference: connection.executor) {
      do {
        if let trace = context.trace {
          try await TraceContext.$current.withValue(trace) { try await body(context, self) }
        } else {
          try await body(context, self)
        }
        self.handlerEnded(nil)
      } catch {
        self.handlerEnded(RPCError(answering: error))
      }
    }
  }

  // The handler returned or threw, on whatever thread it was.
  private func handlerEnded(_ error: RPCError?) {
    guard connection.executor.isCurrent else {
      return connection.executor.perform { self.handlerEnded(error) }
    }
    connection.handlerEnded()
    guard phase == .running else { return }
    finish(error)
  }

  // MARK: The end

  /// Ends the call with a status, whatever its handler does, unless it is over.
  func end(_ error: RPCError) {
    guard phase != .over else { return }
    let handler = task
    finish(error)
    // Not before: what waits is to hear why the call is over.
    handler?.cancel()
  }

  private func finish(with answer: consuming UnaryAnswer) {
    phase = .running
    if !answer.metadata.isEmpty { send(answer.metadata) }
    if !answer.trailers.isEmpty { response.addTrailers(answer.trailers) }
    write(answer.frame, answer.compression)
    finish(nil)
  }

  private func finish(_ error: RPCError?) {
    let told = error.map(forCaller)
    if response.isSent {
      connection.finish(self, trailers: response.end(told))
    } else {
      connection.respondOnly(response.endOnly(told), on: self)
    }
    connection.hasOutput()
    leave(error)
  }

  // What failed inside is for the log, where the operator finds it by the request id.
  private func forCaller(_ error: RPCError) -> RPCError {
    var told = error
    if error.code == .internal, error.cause != nil {
      told = RPCError(.internal, "internal error, request id \(context.id)")
    }
    return connection.configuration.completesError(told)
  }

  /// Ends the stream without the rest of its answer.
  private func drop() {
    connection.reset(self, .enhanceYourCalm)
    connection.hasOutput()
  }

  /// The stream is gone: it ended, was reset by the peer, or its connection is lost.
  override func closed(_ code: HTTP2ErrorCode) {
    if phase != .over {
      let handler = task
      leave(.cancelled)
      handler?.cancel()
    }
    _ = settleMemory(at: 0)
  }

  private func leave(_ error: RPCError?) {
    phase = .over
    // What was answered at once left nothing.
    if hasRun || error != nil {
      task = nil
      prepared = nil
      if let writer = writer.takeValue() { writer.resume(with: .failure(error ?? .cancelled)) }
      requests.fail(error ?? .cancelled)
    }
    timer.takeValue()?.cancel()
    // The stream lives on until the peer has read its end, which it may never do.
    if deframer.heldBytes > 0 { deframer = MessageDeframer(messageBytesMax: 0) }
    // A small answer fits into what the call has anyway.
    if !settleMemory(at: unsentBytes <= Self.callBytes ? min(takenBytes, Self.callBytes) : unsentBytes) { drop() }
    if told > 0 {
      let duration = connection.executor.clock() - context.start
      interceptors.end(CallSummary(context, duration: duration, error: error), told: told)
    }
  }

  private var name: String { context.method.path }
}

extension RPCError {
  static let cancelled = RPCError(.cancelled, "the call was cancelled")
  static let deadlineExceeded = RPCError(.deadlineExceeded, "the deadline passed", reason: "DEADLINE_EXCEEDED")
  static let requestMemoryExhausted = RPCError(
    .resourceExhausted, "the server holds as many requests as it has memory for; try again later",
    reason: "REQUEST_MEMORY_EXHAUSTED")
}
