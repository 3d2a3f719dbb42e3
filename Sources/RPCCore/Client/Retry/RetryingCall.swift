import Synchronization

/// A call that is made again when it fails in a way that allows it: one attempt after the other, each sent what the
/// caller has sent so far.
///
///     live ──▶ recovering ──▶ replaying ──▶ live ──▶ ...     until a response came, or more was sent than is kept
///
/// Whoever of the caller's two directions finds that an attempt failed starts the recovery, and both wait for it. The
/// new attempt is then sent what was kept, while its responses can be read already.
final class RetryingCall: ClientCall {
  fileprivate typealias Attempt = (call: any ClientCall, number: Int)

  fileprivate struct State {
    var attempt: Attempt
    var recovery: Task<Void, any Error>?
    var replay: Task<Void, Never>?
    // The attempts that count, of which the server may have seen something.
    var countedAttempts = 1
    var failuresInARow = 0
    var wasRepeatedTransparently = false
    var isCancelled = false
    // What the next attempt has to send.
    var requests: [FramedMessage] = []
    var requestBytes = 0
    var isFinished = false
    // There will be no further attempt.
    var isCommitted = false
  }

  private let policy: RetryPolicy
  private let timeout: Duration?
  private let elapsed: @Sendable () -> Duration
  private let makeAttempt: @Sendable (_ previousAttempts: Int, _ timeout: Duration?) -> any ClientCall
  private let state: Mutex<State>

  init(
    _ policy: RetryPolicy, _ timeout: Duration?, _ first: any ClientCall,
    _ makeAttempt: @escaping @Sendable (_ previousAttempts: Int, _ timeout: Duration?) -> any ClientCall
  ) {
    self.policy = policy
    self.timeout = timeout
    elapsed = policy.stopwatch()
    self.makeAttempt = makeAttempt
    state = Mutex(State(attempt: (first, 1)))
  }

  // MARK: The caller's end

  var encoding: MessageEncoding { state.withLock { $0.attempt.call }.encoding }

  // What is kept, later attempts get from their replay. From here only the one gets it that was live when it was kept,
  // under the same lock: one that became live since would get it twice.

  func send(_ frame: FramedMessage) async throws {
    let (isKept, live) = state.withLock { ($0.keep(frame, bytesMax: policy.replayBytesMax), $0.liveAttempt) }
    if isKept, live == nil { return }
    let attempt = if let live { live } else { try await replayedAttempt() }
    do {
      try await attempt.call.send(frame)
    } catch {
      try await recover(from: attempt, error)
    }
  }

  func finishSending() async throws {
    let live = state.withLock { state in
      state.isFinished = true
      return state.liveAttempt
    }
    guard let attempt = live else { return }
    do {
      try await attempt.call.finishSending()
    } catch {
      try await recover(from: attempt, error)
    }
  }

  func nextResponse() async throws -> FramedMessage? {
    while true {
      let attempt = try await openAttempt()
      do {
        let response = try await attempt.call.nextResponse()
        state.withLock { $0.commit() }
        return response
      } catch {
        try await recover(from: attempt, error)
      }
    }
  }

  func cancel() {
    let (call, recovery) = state.withLock { state in
      state.isCancelled = true
      return (state.attempt.call, state.recovery)
    }
    recovery?.cancel()
    call.cancel()
  }

  var initialMetadata: Metadata? { state.withLock { $0.attempt.call }.initialMetadata }
  var trailers: Metadata { state.withLock { $0.attempt.call }.trailers }
  var isUnprocessed: Bool { state.withLock { $0.attempt.call }.isUnprocessed }

  // MARK: Recovery

  /// The attempt to read from.
  private func openAttempt() async throws -> Attempt {
    while true {
      let (attempt, recovery) = state.withLock { ($0.attempt, $0.recovery) }
      guard let recovery else { return attempt }
      try await join(recovery)
    }
  }

  /// The last attempt, once it was sent what was kept.
  private func replayedAttempt() async throws -> Attempt {
    let attempt = try await openAttempt()
    await state.withLock { $0.replay }?.value
    return attempt
  }

  private func join(_ recovery: Task<Void, any Error>) async throws {
    try await withTaskCancellationHandler {
      try await recovery.value
    } onCancel: {
      cancel()
    }
  }

  /// Returns once another attempt is under way in the place of `attempt`.
  /// - Throws: `error` where there is to be none.
  private func recover(from attempt: Attempt, _ error: any Error) async throws {
    let recovery = try state.withLock { state -> Task<Void, any Error>? in
      guard attempt.number == state.attempt.number else { return nil }
      if let recovery = state.recovery { return recovery }
      guard let pause = pause(after: error, &state) else { throw error }
      let recovery = Task { try await self.repeatCall(after: pause) }
      state.recovery = recovery
      return recovery
    }
    if let recovery { try await join(recovery) }
  }

  /// How long to wait before the next attempt; nil where there is to be none.
  private func pause(after error: any Error, _ state: inout State) -> Duration? {
    guard let error = error as? RPCError, !state.isCommitted, !state.isCancelled,
      state.attempt.call.initialMetadata == nil
    else { return nil }
    if state.attempt.call.isUnprocessed, !state.wasRepeatedTransparently {
      state.wasRepeatedTransparently = true
      return .zero
    }
    guard error.code == .unavailable, state.countedAttempts < policy.attemptsMax else { return nil }
    let pause: Duration
    switch error.trailers[text: "grpc-retry-pushback-ms"].map(RetryPushback.init) {
    case .never: return nil
    case .after(let pushback):
      pause = pushback
      state.failuresInARow = 0
    case nil:
      state.failuresInARow += 1
      pause = policy.backoff.pause(afterFailures: state.failuresInARow, random: policy.random())
    }
    // An attempt after the deadline would only hide why this one failed.
    if let timeout, elapsed() + pause >= timeout { return nil }
    state.countedAttempts += 1
    return pause
  }

  private func repeatCall(after pause: Duration) async throws {
    do {
      if pause > .zero { try await policy.clock.sleep(for: pause) }
    } catch {
      throw RPCError(answering: error)
    }
    let previousAttempts = state.withLock { $0.countedAttempts - 1 }
    let call = makeAttempt(previousAttempts, timeout.map { $0 - elapsed() })
    let isWanted = state.withLock { state in
      if state.isCancelled { return false }
      let attempt = (call, state.attempt.number + 1)
      state.attempt = attempt
      state.recovery = nil
      state.replay = Task { await self.replay(on: attempt) }
      return true
    }
    guard isWanted else {
      call.cancel()
      throw RPCError(answering: CancellationError())
    }
  }

  private func replay(on attempt: Attempt) async {
    var sent = 0
    do {
      while true {
        switch state.withLock({ $0.nextToReplay(on: attempt, afterRequests: sent) }) {
        case .request(let request):
          try await attempt.call.send(request)
          sent += 1
        case .end: return try await attempt.call.finishSending()
        case .nothing: return
        }
      }
    } catch {
      // Whoever uses the attempt next finds out why.
      state.withLock { if $0.attempt.number == attempt.number { $0.replay = nil } }
    }
  }
}

extension RetryingCall.State {
  /// The current attempt, or the next one, is still to be sent what was kept.
  fileprivate var isRepeating: Bool { recovery != nil || replay != nil }

  /// The attempt that has been sent all that the caller sent; nil while none has.
  fileprivate var liveAttempt: RetryingCall.Attempt? { isRepeating ? nil : attempt }

  /// Keeps a request for further attempts. False if there is no room for it, and so will be none.
  fileprivate mutating func keep(_ request: FramedMessage, bytesMax: Int) -> Bool {
    guard !isCommitted, requestBytes + request.count <= bytesMax else {
      commit()
      return false
    }
    requests.append(request)
    requestBytes += request.count
    return true
  }

  /// There will be no further attempt: what was kept is only needed by one that has not got it all.
  fileprivate mutating func commit() {
    isCommitted = true
    if !isRepeating { requests = [] }
  }

  /// What is to be sent next on the attempt; nothing when it has it all, or there is another one.
  fileprivate mutating func nextToReplay(on attempt: RetryingCall.Attempt, afterRequests sent: Int) -> OnReplay {
    guard self.attempt.number == attempt.number else { return .nothing }
    if sent < requests.count { return .request(requests[sent]) }
    replay = nil
    if isCommitted { requests = [] }
    return isFinished ? .end : .nothing
  }

  fileprivate enum OnReplay {
    case request(FramedMessage)
    case end
    case nothing
  }
}
