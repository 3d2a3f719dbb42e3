@testable import RPCTransport
import RPCCore
import Testing

@Suite struct MemoryBudgetTests {
  private static let piece = 256 << 10

  @Test func aLoopTakesUpToTheWholeBudget() {
    let loop = LoopMemory(MemoryBudget(bytesMax: 1_000_000))
    #expect(loop.take(600_000))
    #expect(!loop.take(400_001))
    #expect(loop.take(400_000))
    #expect(!loop.take(1))
    loop.give(1000)
    #expect(loop.take(1000))
    #expect(!loop.take(1))
  }

  @Test func whatALoopHasFreeCountsTowardsWhatItNeeds() {
    let loop = LoopMemory(MemoryBudget(bytesMax: 600_000))
    // A piece, all of it free again.
    #expect(loop.take(1))
    loop.give(1)
    #expect(loop.take(600_000))
    #expect(!loop.take(1))
  }

  @Test func aRefusalTakesNothing() {
    let loop = LoopMemory(MemoryBudget(bytesMax: 1_000_000))
    for _ in 0..<100 { #expect(!loop.take(1_000_001)) }
    #expect(loop.take(1_000_000))
  }

  @Test func loopsShareTheBudget() {
    let budget = MemoryBudget(bytesMax: 4 * Self.piece)
    let first = LoopMemory(budget)
    let second = LoopMemory(budget)
    #expect(first.take(3 * Self.piece))
    #expect(!second.take(Self.piece + 1))
    #expect(second.take(Self.piece))
    // The first gives all back but one piece, which it keeps for its next requests.
    first.give(3 * Self.piece)
    #expect(!second.take(2 * Self.piece + 1))
    #expect(second.take(2 * Self.piece))
    #expect(first.take(Self.piece))
    #expect(!first.take(1))
    #expect(!second.take(1))
  }

  @Test func aLoopThatIsGoneKeepsNothing() {
    let budget = MemoryBudget(bytesMax: Self.piece)
    do {
      let loop = LoopMemory(budget)
      #expect(loop.take(1))
      loop.give(1)
    }
    #expect(LoopMemory(budget).take(Self.piece))
  }

  @Test func loopsOnManyThreadsNeverTakeMoreThanThereIs() async {
    let bytesMax = 10 * Self.piece
    let budget = MemoryBudget(bytesMax: bytesMax)
    // Each takes and gives back, and keeps in the end what it can get.
    let kept = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let loop = LoopMemory(budget)
          for round in 1...1000 where loop.take(round * 1000) { loop.give(round * 1000) }
          var bytes = 0
          while loop.take(1000) { bytes += 1000 }
          return bytes
        }
      }
      return await group.reduce(0, +)
    }
    #expect(kept <= bytesMax)
    // Of the last that took, all but less than a thousand bytes for each loop is used.
    #expect(!LoopMemory(budget).take(8 * 1000))
  }

  @Test func anEighthIsForSmallCalls() {
    let small = MemoryBudget.smallCallBytes
    let loop = LoopMemory(MemoryBudget(bytesMax: 8_000_000))
    #expect(loop.take(7_000_000, callBytes: 7_000_000))
    #expect(!loop.take(1, callBytes: small + 1))
    #expect(loop.take(1_000_000, callBytes: small))
    #expect(!loop.take(1, callBytes: small))
    loop.give(8_000_000)
    #expect(loop.take(1, callBytes: small + 1))
  }
}
