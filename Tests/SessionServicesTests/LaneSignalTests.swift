import RPCTestSupport
import Synchronization
import Testing

@testable import SessionServices

@Suite(.timeLimit(.minutes(5))) struct LaneSignalTests {
  /// Counts up to the generation; whether it takes what comes from the hand of another is the test's to say.
  private final class Counter: LaneWaiter, @unchecked Sendable {
    let number: Int
    let mayBeServed: Bool
    var count: UInt64 = 0

    init(_ number: Int = 0, lane: UInt16, mayBeServed: Bool = true) {
      self.number = number
      self.mayBeServed = mayBeServed
      super.init(lane: lane)
    }
  }

  private enum Act: Hashable {
    case woke(Int)
    case served(Int, by: Int)
  }

  /// A task that waits once.
  private func wait(
    _ counter: Counter, at signal: LaneSignal<Counter>, _ acts: Observed<[Act]>
  ) -> Task<Void, any Error> {
    Task {
      try await signal.wait(counter, after: 0) { other in
        if other.mayBeServed { acts.update { $0.append(.served(other.number, by: counter.number)) } }
        return other.mayBeServed
      }
      acts.update { $0.append(.woke(counter.number)) }
    }
  }

  private func allWait(_ count: Int, at signal: LaneSignal<Counter>) async throws {
    try await within { while signal.waitingCount < count { await Task.yield() } }
  }

  @Test func oneOfEachLaneWakesAndServesTheOthers() async throws {
    let signal = LaneSignal<Counter>()
    let acts = Observed<[Act]>([])
    let lanes: [UInt16] = [1, 1, 1, 2, 2]
    let tasks = lanes.enumerated().map { wait(Counter($0.offset, lane: $0.element), at: signal, acts) }
    try await allWait(5, at: signal)
    signal.notify()
    let seen = try await acts.wait { $0.count == 5 }
    let woken = seen.compactMap { if case .woke(let number) = $0 { number } else { nil } }.sorted()
    #expect(woken.count == 2 && woken[0] < 3 && woken[1] >= 3)
    for number in 0..<5 where !woken.contains(number) {
      #expect(seen.contains(.served(number, by: woken[number < 3 ? 0 : 1])))
    }
    #expect(signal.waitingCount == 3)
    // Whoever wakes next has the rest of its lane to serve, again.
    while signal.waitingCount > 0 {
      let count = signal.waitingCount
      signal.notify()
      try await within { while signal.waitingCount >= count { await Task.yield() } }
    }
    for task in tasks { try await task.value }
  }

  @Test func whoeverNeedsItsOwnTaskWakes() async throws {
    let signal = LaneSignal<Counter>()
    let acts = Observed<[Act]>([])
    let tasks = (0..<4).map { wait(Counter($0, lane: 7, mayBeServed: false), at: signal, acts) }
    try await allWait(4, at: signal)
    signal.notify()
    for task in tasks { try await task.value }
    #expect(Set(acts.value) == Set((0..<4).map(Act.woke)))
  }

  @Test func nobodyLeadsWhereAnyThreadMayRunACall() async throws {
    let signal = LaneSignal<Counter>()
    let acts = Observed<[Act]>([])
    let tasks = (0..<4).map { wait(Counter($0, lane: 0), at: signal, acts) }
    try await allWait(4, at: signal)
    signal.notify()
    for task in tasks { try await task.value }
    #expect(Set(acts.value) == Set((0..<4).map(Act.woke)))
  }

  @Test func whatChangesWhileOthersAreServedIsForTheNextLeader() async throws {
    let signal = LaneSignal<Counter>()
    let counters = (0..<3).map { Counter($0, lane: 1) }
    let acts = Observed<[Act]>([])
    var tasks: [Task<Void, any Error>] = []
    for counter in counters {
      tasks.append(
        Task {
          try await signal.wait(counter, after: 0) { other in
            if signal.generation < 2 { signal.notify() }
            other.count = signal.generation
            acts.update { $0.append(.served(other.number, by: counter.number)) }
            return true
          }
        })
      try await allWait(tasks.count, at: signal)
    }
    signal.notify()
    // The last one served both others, and the one before it the first again.
    try await tasks[2].value
    try await tasks[1].value
    #expect(acts.value == [.served(0, by: 2), .served(1, by: 2), .served(0, by: 1)])
    #expect(counters[0].count == 2 && signal.waitingCount == 1)
    signal.notify()
    try await tasks[0].value
  }

  @Test func aCancelledWaitEndsWhereverItIs() async throws {
    let signal = LaneSignal<Counter>()
    let (before, waiting, served) = (Counter(lane: 1), Counter(lane: 1), Counter(lane: 1))
    signal.cancel(before)
    await #expect(throws: CancellationError.self) { try await signal.wait(before, after: 0) { _ in true } }

    let waits = Task { try await signal.wait(waiting, after: 0) { _ in true } }
    try await allWait(1, at: signal)
    signal.cancel(waiting)
    await #expect(throws: CancellationError.self) { try await waits.value }

    let isServed = Task { try await signal.wait(served, after: 0) { _ in true } }
    try await allWait(1, at: signal)
    let leads = Task {
      try await signal.wait(Counter(lane: 1), after: 0) { other in
        signal.cancel(other)
        return true
      }
    }
    try await allWait(2, at: signal)
    signal.notify()
    try await leads.value
    await #expect(throws: CancellationError.self) { try await isServed.value }
    #expect(signal.waitingCount == 0)
  }

  @Test func nobodyMissesTheLastChange() async throws {
    let signal = LaneSignal<Counter>()
    let last: UInt64 = 5000
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<24 {
        group.addTask {
          // Some are served by others, some wake each time or now and then.
          let counter = Counter(number, lane: UInt16(number % 4), mayBeServed: number % 3 != 0)
          while true {
            let generation = signal.generation
            counter.count = generation
            if generation >= last { return }
            try await signal.wait(counter, after: generation) { other in
              other.count = signal.generation
              return other.mayBeServed && other.count < last && other.count % 8 != 0
            }
          }
        }
      }
      group.addTask { for _ in 0..<last { signal.notify() } }
      try await group.waitForAll()
    }
    #expect(signal.waitingCount == 0)
  }
}
