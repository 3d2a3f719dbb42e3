import Synchronization

/// Tells any number of tasks that something changed. What changed is the owner's to keep; this only wakes.
///
/// Read the generation, look at what is there, and if that is not enough wait for the next generation: a change
/// between the look and the wait is not missed.
public final class ChangeSignal: Sendable {
  private struct State {
    var generation: UInt64 = 0
    var nextWaiter: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
  }

  private let state = Mutex(State())

  /// A signal at generation 0.
  public init() {}

  /// How often something changed.
  public var generation: UInt64 { state.withLock { $0.generation } }

  /// Begins the next generation and wakes all who wait for it.
  public func notify() {
    let waiters = state.withLock { state in
      state.generation += 1
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.resume() }
  }

  /// Returns once the generation is later than `generation`.
  /// - Throws: `CancellationError` when the task is cancelled first.
  public func wait(after generation: UInt64) async throws {
    let id = state.withLock { state in
      defer { state.nextWaiter += 1 }
      return state.nextWaiter
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if state.generation > generation { return .success(()) }
          // Cancelled before it was registered: the handler below found nothing to resume.
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiters[id] = waiter
          return nil
        }
        if let outcome { waiter.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }
}
