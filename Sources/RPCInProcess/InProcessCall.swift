public import RPCCore
import Synchronization

/// Both ends of one call in the same process: a pipe of messages each way, and the handler's task between them.
///
///     opening ──▶ running ──▶ over
///        └──────────────────▶
///
/// `opening` until the handler's task is known; `running` while it may still answer; `over` once it ended, or was
/// cancelled by its caller or its deadline.
public final class InProcessCall: ClientCall, ServerCall {
  private enum Phase {
    case opening
    case running(handler: Task<Void, Never>, timer: Task<Void, Never>?)
    case over
  }

  private struct State {
    var phase = Phase.opening
    // Goes before the first message, or never.
    var initialMetadata: Metadata?
    var hasResponded = false
    var trailers = Metadata()
    // How many interceptors know of the call.
    var told = 0
  }

  private let configuration: InProcessTransport.Configuration
  private let context: ServerContext
  private let interceptors: CallInterceptors
  private let requests: MessagePipe
  private let responses: MessagePipe
  private let state = Mutex(State())

  init(
    _ configuration: InProcessTransport.Configuration, _ context: ServerContext, _ interceptors: CallInterceptors
  ) {
    self.configuration = configuration
    self.context = context
    self.interceptors = interceptors
    requests = MessagePipe(messagesMax: configuration.messagesMax)
    responses = MessagePipe(messagesMax: configuration.messagesMax)
  }

  // MARK: The call's life

  func start(_ method: ServerMethod, timeout: Duration?) {
    guard begin() else { return }
    if let timeout, timeout <= .zero { return end(.deadlineExceeded, dropping: true) }
    let handler = Task {
      do {
        try await TraceContext.continuing(self.context.trace) { try await self.serve(method) }
        self.end(nil, dropping: false)
      } catch {
        self.end(RPCError(answering: error), dropping: false)
      }
    }
    let timer = timeout.map { timeout in
      Task {
        // The sleep ends early when the call does.
        if (try? await configuration.clock.sleep(for: timeout)) != nil { self.end(.deadlineExceeded, dropping: true) }
      }
    }
    let isOver = state.withLock { state in
      guard case .opening = state.phase else { return true }
      state.phase = .running(handler: handler, timer: timer)
      return false
    }
    if isOver {
      handler.cancel()
      timer?.cancel()
    }
  }

  func refuse(_ error: RPCError) {
    if begin() { end(error, dropping: true) }
  }

  /// Tells the interceptors; false where one ended the call.
  private func begin() -> Bool {
    var told = 0
    do {
      defer { state.withLock { $0.told = told } }
      try interceptors.begin(context, told: &told)
    } catch {
      end(RPCError(answering: error), dropping: true)
      return false
    }
    return true
  }

  private func serve(_ method: ServerMethod) async throws {
    switch method.handler {
    case .manyRequests(let open): try await open(configuration.decodeLimits)(context, self)
    case .oneRequest(let prepare):
      guard let request = try await nextRequest() else {
        throw RPCError(.unimplemented, "\(method.descriptor) takes exactly one request; got none")
      }
      guard try await nextRequest() == nil else {
        throw RPCError(.unimplemented, "\(method.descriptor) takes exactly one request; got more")
      }
      switch try request.withPayload({ try prepare($0, configuration.decodeLimits, context) }) {
      case .answered(let answer): try answer.send(to: self)
      case .waiting(let body, requestBytes: _): try await body(context, self)
      }
    }
  }

  /// Ends the call unless it is over: with OK where there is no error; with `dropping`, before what waits is read.
  private func end(_ error: RPCError?, dropping: Bool) {
    let (phase, trailers, told) = state.withLock { state in
      defer { state.phase = .over }
      if case .over = state.phase { return (state.phase, state.trailers, state.told) }
      var all = error?.trailers ?? Metadata()
      all.add(contentsOf: state.trailers)
      state.trailers = all
      return (state.phase, all, state.told)
    }
    switch phase {
    case .over: return
    case .opening: break
    case .running(let handler, let timer):
      handler.cancel()
      timer?.cancel()
    }
    var answer = error
    answer?.trailers = trailers
    // The cause is for the server's log.
    answer?.cause = nil
    responses.end(.init(reader: answer, writer: error ?? .cancelled), dropping: dropping)
    requests.end(.init(reader: error ?? .cancelled, writer: answer), dropping: true)
    interceptors.end(CallSummary(context, duration: .now - context.start, error: error), told: told)
  }

  // MARK: The caller's end

  /// Identity: in the same process there is nothing to gain.
  public var encoding: MessageEncoding { .identity }

  /// Sends a request; one that is larger than the limit ends the call with RESOURCE_EXHAUSTED. What comes after the
  /// end of a call that ended with OK is dropped.
  public func send(_ frame: FramedMessage) async throws {
    let bytes = frame.count - FramedMessage.prefixBytes
    if bytes > configuration.messageBytesMax {
      end(MessageDeframer.Failure.tooLarge(bytes: bytes, max: configuration.messageBytesMax).rpcError, dropping: false)
    }
    try await withTaskCancellationHandler {
      interceptors.received(context)
      if try !requests.put(frame) { try await requests.waitForRoom() }
    } onCancel: {
      cancel()
    }
  }

  /// Says that no more messages come.
  public func finishSending() async throws { requests.finish() }

  /// The next response, or nil once the call ended with OK.
  public func nextResponse() async throws -> FramedMessage? {
    try await withTaskCancellationHandler {
      try await responses.next()
    } onCancel: {
      cancel()
    }
  }

  /// Ends the call at once with CANCELLED.
  public func cancel() { end(.cancelled, dropping: true) }

  /// What the handler sent ahead of its first response; nil until it did.
  public var initialMetadata: Metadata? { state.withLock { $0.initialMetadata } }

  /// What the handler sent with the status; complete once the call is over.
  public var trailers: Metadata { state.withLock { $0.trailers } }

  /// False: a call in the same process reaches its server.
  public var isUnprocessed: Bool { false }

  // MARK: The handler's end

  /// Sends initial metadata; ignored once a message was sent.
  public func send(_ metadata: Metadata) {
    state.withLock { state in
      guard !state.hasResponded else { return }
      state.initialMetadata = state.initialMetadata ?? Metadata()
      state.initialMetadata?.add(contentsOf: metadata)
    }
  }

  /// Hands over a response, as it is: there is no wire to compress it for. False when the handler should wait for
  /// room before the next.
  public func enqueue(_ frame: FramedMessage, _ compression: CompressionChoice) throws -> Bool {
    state.withLock { state in
      state.hasResponded = true
      state.initialMetadata = state.initialMetadata ?? Metadata()
    }
    interceptors.sent(1, context)
    return try responses.put(frame)
  }

  /// Returns when the caller has taken enough for another response.
  public func waitForRoom() async throws { try await responses.waitForRoom() }

  /// The next request; nil after the last.
  public func nextRequest() async throws -> FramedMessage? { try await requests.next() }

  /// Adds to the metadata that goes with the status.
  public func addTrailers(_ metadata: Metadata) {
    state.withLock { state in
      if case .over = state.phase { return }
      state.trailers.add(contentsOf: metadata)
    }
  }
}

extension RPCError {
  fileprivate static let deadlineExceeded = RPCError(.deadlineExceeded, "the deadline passed")
}
