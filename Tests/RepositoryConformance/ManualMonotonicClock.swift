import SessionDomain
import Synchronization

/// A clock that stands still until it is moved, and then wakes who slept for long enough.
public final class ManualMonotonicClock: MonotonicClock {
  private struct State {
    var now: ContinuousClock.Instant
    var sleepers: [Int: Sleeper] = [:]
    var nextSleeper = 0
    var watchers: [CheckedContinuation<Void, Never>] = []
  }

  private struct Sleeper {
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private let state: Mutex<State>

  /// Starts at the real time.
  public init() {
    state = Mutex(State(now: .now))
  }

  /// The time it shows.
  public var now: ContinuousClock.Instant { state.withLock { $0.now } }

  /// Moves it forward.
  public func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now += duration
      let woken = state.sleepers.filter { $0.value.deadline <= state.now }
      for number in woken.keys { state.sleepers[number] = nil }
      return woken.values
    }
    for sleeper in woken { sleeper.continuation.resume() }
  }

  /// Sleeps until it is moved that far.
  public func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
    let number = state.withLock { state in
      state.nextSleeper += 1
      return state.nextSleeper
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (outcome, watchers) = state.withLock {
          state -> (Result<Void, any Error>?, [CheckedContinuation<Void, Never>]) in
          if state.now >= deadline { return (.success(()), []) }
          if Task.isCancelled { return (.failure(CancellationError()), []) }
          state.sleepers[number] = Sleeper(deadline: deadline, continuation: continuation)
          defer { state.watchers = [] }
          return (nil, state.watchers)
        }
        if let outcome { continuation.resume(with: outcome) }
        for watcher in watchers { watcher.resume() }
      }
    } onCancel: {
      let sleeper = state.withLock { $0.sleepers.removeValue(forKey: number) }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Returns once somebody sleeps.
  public func waitForSleeper() async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.sleepers.isEmpty { state.watchers.append(continuation) }
        return !state.sleepers.isEmpty
      }
      if isThere { continuation.resume() }
    }
  }
}
