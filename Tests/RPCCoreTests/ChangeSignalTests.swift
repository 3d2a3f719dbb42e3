import RPCCore
import RPCTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ChangeSignalTests {
  @Test func aChangeBeforeTheWaitIsNotMissed() async throws {
    let signal = ChangeSignal()
    let generation = signal.generation
    signal.notify()
    try await signal.wait(after: generation)
    #expect(signal.generation == generation + 1)
  }

  @Test func everyWaiterIsWoken() async throws {
    let signal = ChangeSignal()
    let isWaiting = Observed(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<100 {
        group.addTask {
          isWaiting.update { $0 += 1 }
          try await signal.wait(after: 0)
        }
      }
      try await isWaiting.wait { $0 == 100 }
      signal.notify()
      try await group.waitForAll()
    }
  }

  @Test func nobodyWhoFollowsTheRuleMissesTheLastChange() async throws {
    let signal = ChangeSignal()
    let counter = Observed(0)
    let last = 20_000
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          while true {
            let generation = signal.generation
            if counter.value == last { return }
            try await signal.wait(after: generation)
          }
        }
      }
      for _ in 0..<last {
        counter.update { $0 += 1 }
        signal.notify()
      }
      try await group.waitForAll()
    }
  }

  @Test func aCancelledWaitEndsAndLeavesTheOthers() async throws {
    let signal = ChangeSignal()
    let cancelled = Task { try await signal.wait(after: 0) }
    let other = Task { try await signal.wait(after: 0) }
    cancelled.cancel()
    await #expect(throws: CancellationError.self) { try await cancelled.value }
    signal.notify()
    try await other.value
  }

  @Test func aWaitInACancelledTaskEndsAtOnce() async throws {
    let signal = ChangeSignal()
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await signal.wait(after: 0)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func cancellationsAndChangesAtOnceLeaveNobodyWaiting() async throws {
    let signal = ChangeSignal()
    for _ in 0..<500 {
      let generation = signal.generation
      let task = Task { try await signal.wait(after: generation) }
      let canceller = Task { task.cancel() }
      signal.notify()
      await canceller.value
      // Either is right; what matters is that it returns.
      _ = await task.result
    }
  }
}
