import Synchronization

/// One of those who wait at a `LaneSignal`.
///
/// While it waits it belongs to the signal, which lends it to the one that leads its lane; else to its own task.
class LaneWaiter: @unchecked Sendable {
  /// The event loop that its call lives on; 0 where that may be any thread.
  let lane: UInt16
  // Of whoever took it out of those that wait.
  fileprivate var continuation: UnsafeContinuation<Bool, any Error>?
  // Under the signal's lock.
  fileprivate var isCancelled = false

  /// One of the calls of `lane`.
  init(lane: UInt16) { self.lane = lane }

  fileprivate func resume(with result: Result<Bool, any Error>) {
    let waiting = continuation
    continuation = nil
    waiting?.resume(with: result)
  }
}

/// Tells many tasks that something changed, of each event loop only one: that one leads, and serves those that wait
/// beside it on the loop without waking them. A task's waking costs more than most of what is done then.
///
/// Read the generation, look at what is there, and if that is not enough wait for the next generation: a change
/// between the look and the wait is not missed.
final class LaneSignal<Waiter: LaneWaiter>: Sendable {
  private struct Lane {
    var waiting: [Waiter] = []
    // One was woken for all, and is not through with them.
    var isLed = false
  }

  private struct State {
    var generation: UInt64 = 0
    // By number; nobody leads those of lane 0, each of which may be on a thread of its own.
    var lanes = [Lane()]
  }

  private let state = Mutex(State())

  /// How often something changed.
  var generation: UInt64 { state.withLock { $0.generation } }

  /// How many wait.
  var waitingCount: Int { state.withLock { $0.lanes.reduce(0) { $0 + $1.waiting.count } } }

  /// Begins the next generation. Of each lane that has none, one of those who wait becomes the leader.
  func notify() {
    let (woken, leaders) = state.withLock { state in
      state.generation += 1
      let woken = state.lanes[0].waiting
      state.lanes[0].waiting = []
      var leaders: [Waiter] = []
      for index in state.lanes.indices.dropFirst() where !state.lanes[index].isLed {
        guard let leader = state.lanes[index].waiting.popLast() else { continue }
        state.lanes[index].isLed = true
        leaders.append(leader)
      }
      return (woken, leaders)
    }
    for waiter in woken { waiter.resume(with: .success(false)) }
    for leader in leaders { leader.resume(with: .success(true)) }
  }

  /// Waits until the generation is later than `generation` and `waiter` is not served by another: so it may have been
  /// served any number of times meanwhile.
  ///
  /// As the leader of its lane it first calls `serve` with all others that wait there. That takes out those that need
  /// their own task, and they wake.
  /// - Throws: `CancellationError` after `cancel`.
  func wait(_ waiter: Waiter, after generation: UInt64, serve: (inout [Waiter]) -> [Waiter]) async throws {
    let leads = try await withUnsafeThrowingContinuation { continuation in
      let outcome = state.withLock { state -> Result<Bool, any Error>? in
        if waiter.isCancelled { return .failure(CancellationError()) }
        if state.generation > generation { return .success(false) }
        waiter.continuation = continuation
        let lane = Int(waiter.lane)
        while state.lanes.count <= lane { state.lanes.append(Lane()) }
        state.lanes[lane].waiting.append(waiter)
        return nil
      }
      if let outcome { continuation.resume(with: outcome) }
    }
    if leads { lead(Int(waiter.lane), serve) }
  }

  /// Ends the waiter's wait, or its next one.
  func cancel(_ waiter: Waiter) {
    let isWaiting = state.withLock { state in
      waiter.isCancelled = true
      let lane = Int(waiter.lane)
      guard lane < state.lanes.count, let index = state.lanes[lane].waiting.firstIndex(where: { $0 === waiter })
      else { return false }
      state.lanes[lane].waiting.remove(at: index)
      return true
    }
    if isWaiting { waiter.resume(with: .failure(CancellationError())) }
  }

  private func lead(_ lane: Int, _ serve: (inout [Waiter]) -> [Waiter]) {
    var isThrough = false
    while !isThrough {
      var (waiters, generation) = state.withLock { state in
        let waiters = state.lanes[lane].waiting
        state.lanes[lane].waiting = []
        return (waiters, state.generation)
      }
      let woken = serve(&waiters)
      let cancelled: [Waiter]
      (cancelled, isThrough) = state.withLock { state in
        let cancelled = waiters.filter(\.isCancelled)
        if !cancelled.isEmpty { waiters.removeAll(where: \.isCancelled) }
        // Those who came meanwhile have looked themselves.
        waiters += state.lanes[lane].waiting
        state.lanes[lane].waiting = waiters
        // A change that nobody was woken for is still to be served.
        let isThrough = state.generation == generation
        if isThrough { state.lanes[lane].isLed = false }
        return (cancelled, isThrough)
      }
      for waiter in woken { waiter.resume(with: .success(false)) }
      for waiter in cancelled { waiter.resume(with: .failure(CancellationError())) }
    }
  }
}
