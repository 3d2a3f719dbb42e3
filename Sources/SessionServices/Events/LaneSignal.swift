import Synchronization

/// One of those who wait at a `LaneSignal`.
///
/// While it waits it belongs to the signal, which lends it to the one that leads its lane; else to its own task. The
/// signal's lock hands it from one to the other.
class LaneWaiter: @unchecked Sendable {
  /// The event loop that its call lives on, as a number of the server's; 0 where that may be any thread.
  let lane: UInt16
  // The signal's, under its lock.
  fileprivate var isCancelled = false
  // Among those that wait in its lane; nil while it is lent, or its own task's. Under the lock too.
  fileprivate var index: Int?
  // While it waits, the signal's under its lock; then of whoever took it out.
  fileprivate var continuation: UnsafeContinuation<Waking, any Error>?

  /// Why its task goes on.
  fileprivate enum Waking {
    /// To look at what changed.
    case changed
    /// To serve the others of its lane, and then itself.
    case leads
  }

  /// One of the calls of `lane`.
  init(lane: UInt16) { self.lane = lane }

  fileprivate func resume(with result: Result<Waking, any Error>) {
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
    private(set) var waiting: [Waiter] = []
    // One was woken for all, and is not through with them.
    var isLed = false

    mutating func add(_ waiter: Waiter) {
      waiter.index = waiting.count
      waiting.append(waiter)
    }

    /// False if it does not wait here now.
    mutating func remove(_ waiter: Waiter) -> Bool {
      guard let index = waiter.index, let last = waiting.popLast() else { return false }
      waiter.index = nil
      guard last !== waiter else { return true }
      waiting[index] = last
      last.index = index
      return true
    }

    mutating func takeLast() -> Waiter? {
      guard let last = waiting.popLast() else { return nil }
      last.index = nil
      return last
    }

    mutating func takeAll() -> [Waiter] {
      defer { waiting = [] }
      for waiter in waiting { waiter.index = nil }
      return waiting
    }
  }

  private struct State {
    var generation: UInt64 = 0
    // By number; nobody leads those of lane 0, each of which may be on a thread of its own.
    var lanes = [Lane()]
  }

  private let state = Mutex(State())

  /// How often something changed.
  var generation: UInt64 { state.withLock { $0.generation } }

  /// How many wait, without those that are lent to a leader.
  var waitingCount: Int { state.withLock { $0.lanes.reduce(0) { $0 + $1.waiting.count } } }

  /// Begins the next generation. In each lane without a leader, one of those who wait becomes it.
  func notify() {
    let (woken, leaders) = state.withLock { state in
      state.generation += 1
      let woken = state.lanes[0].takeAll()
      var leaders: [Waiter] = []
      for index in state.lanes.indices.dropFirst() where !state.lanes[index].isLed {
        guard let leader = state.lanes[index].takeLast() else { continue }
        state.lanes[index].isLed = true
        leaders.append(leader)
      }
      return (woken, leaders)
    }
    for waiter in woken { waiter.resume(with: .success(.changed)) }
    for leader in leaders { leader.resume(with: .success(.leads)) }
  }

  /// Returns after a generation later than `generation`, unless another serves `waiter`, which then goes on waiting.
  ///
  /// As the leader of its lane it first calls `serve` with each of the others that wait there. Those for which that is
  /// false wake.
  /// - Throws: `CancellationError` after `cancel`.
  func wait(_ waiter: Waiter, after generation: UInt64, serve: (Waiter) -> Bool) async throws {
    // Unsafe, as a checked one costs an allocation for each wait.
    let waking = try await withUnsafeThrowingContinuation { continuation in
      let outcome = state.withLock { state -> Result<LaneWaiter.Waking, any Error>? in
        if waiter.isCancelled { return .failure(CancellationError()) }
        if state.generation > generation { return .success(.changed) }
        waiter.continuation = continuation
        let lane = Int(waiter.lane)
        while state.lanes.count <= lane { state.lanes.append(Lane()) }
        state.lanes[lane].add(waiter)
        return nil
      }
      if let outcome { continuation.resume(with: outcome) }
    }
    if waking == .leads { lead(Int(waiter.lane), serve) }
  }

  /// Ends the waiter's wait, and every later one at once.
  func cancel(_ waiter: Waiter) {
    let isWaiting = state.withLock { state in
      waiter.isCancelled = true
      let lane = Int(waiter.lane)
      return lane < state.lanes.count && state.lanes[lane].remove(waiter)
    }
    if isWaiting { waiter.resume(with: .failure(CancellationError())) }
  }

  private func lead(_ lane: Int, _ serve: (Waiter) -> Bool) {
    let (waiters, generation) = state.withLock { ($0.lanes[lane].takeAll(), $0.generation) }
    var (served, woken): ([Waiter], [Waiter]) = ([], [])
    served.reserveCapacity(waiters.count)
    for waiter in waiters {
      if serve(waiter) { served.append(waiter) } else { woken.append(waiter) }
    }
    let (cancelled, next) = state.withLock { state in
      var cancelled: [Waiter] = []
      for waiter in served {
        if waiter.isCancelled { cancelled.append(waiter) } else { state.lanes[lane].add(waiter) }
      }
      // What changed meanwhile woke nobody here. It is for the next one to serve, since changes may come faster than
      // they are served, and this one has its own task to go on with.
      let next = state.generation == generation ? nil : state.lanes[lane].takeLast()
      state.lanes[lane].isLed = next != nil
      return (cancelled, next)
    }
    for waiter in woken { waiter.resume(with: .success(.changed)) }
    for waiter in cancelled { waiter.resume(with: .failure(CancellationError())) }
    next?.resume(with: .success(.leads))
  }
}
