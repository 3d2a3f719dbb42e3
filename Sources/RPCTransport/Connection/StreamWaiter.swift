import RPCCore

/// A task that waits for something of its stream: until that is there, the call is over, or the task is cancelled.
///
/// Its state is confined to the stream's event loop, hence the unchecked conformance.
final class StreamWaiter<Value: Sendable>: @unchecked Sendable {
  private enum State {
    case coming
    case waiting(CheckedContinuation<Value, any Error>)
    case over
  }

  @exclusivity(unchecked) private var state = State.coming

  /// Calls `begin` on the loop, and returns what it is then resumed with.
  func wait(on executor: LoopExecutor, _ begin: @escaping @Sendable (StreamWaiter) -> Void) async throws -> Value {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        executor.perform { [self] in
          if self.begin(continuation) { begin(self) }
        }
      }
    } onCancel: {
      executor.perform { self.resume(with: .failure(RPCError.cancelled)) }
    }
  }

  /// Waits with `continuation`; false if the task was cancelled before.
  func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
    guard case .coming = state else {
      continuation.resume(throwing: RPCError.cancelled)
      return false
    }
    state = .waiting(continuation)
    return true
  }

  /// Whether it is still to be resumed.
  var isWaiting: Bool {
    if case .waiting = state { true } else { false }
  }

  /// Ends the wait. Only the first time counts.
  // Not inlined: that takes memory whose size is not known before the program runs, and would in every caller, also in
  // those where nothing waits.
  @inline(never)
  func resume(with result: Result<Value, any Error>) {
    let before = state
    state = .over
    if case .waiting(let continuation) = before { continuation.resume(with: result) }
  }

  /// Makes it the one that waits in `place`, where there can be one.
  func take(_ place: inout StreamWaiter?) {
    if let other = place, other.isWaiting { return resume(with: .failure(RPCError.secondWaiter)) }
    place = self
  }
}

extension RPCError {
  // A call's messages would come to its tasks in no order that they could know.
  fileprivate static let secondWaiter = RPCError(
    .internal, "two tasks take a call's requests, or send its responses, at the same time")
}
