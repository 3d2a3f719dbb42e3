import Synchronization

/// Bounds what the requests of all connections of a server may hold, in bytes. An eighth is for small calls: those who
/// fill the server with large messages that never end must not shut out all others.
final class MemoryBudget: Sendable {
  /// Calls that hold no more are small.
  static let smallCallBytes = 16 << 10

  private let bytesMax: Int
  private let taken = Atomic<Int>(0)

  init(bytesMax: Int) { self.bytesMax = bytesMax }

  fileprivate func take(_ bytes: Int, forSmallCall: Bool) -> Bool {
    let (_, now) = taken.add(bytes, ordering: .relaxed)
    if now <= (forSmallCall ? bytesMax : bytesMax - bytesMax / 8) { return true }
    taken.subtract(bytes, ordering: .relaxed)
    return false
  }

  fileprivate func give(_ bytes: Int) { taken.subtract(bytes, ordering: .relaxed) }
}

/// One event loop's share of the budget, taken and given back in pieces, so that most calls touch only their loop. It
/// keeps up to two pieces that nothing uses now, and no other loop can have.
final class LoopMemory {
  private static let pieceBytes = 256 << 10

  private let budget: MemoryBudget
  @exclusivity(unchecked) private var free = 0

  init(_ budget: MemoryBudget) { self.budget = budget }

  deinit { budget.give(free) }

  /// Takes `bytes` for a call that then holds `callBytes`; false if the server has no more.
  func take(_ bytes: Int, callBytes: Int = 0) -> Bool {
    let isSmall = callBytes <= MemoryBudget.smallCallBytes
    if bytes > free {
      let missing = bytes - free
      let piece = max(missing, Self.pieceBytes)
      // Near the end of the budget, no more than what is needed.
      if budget.take(piece, forSmallCall: isSmall) {
        free += piece
      } else if budget.take(missing, forSmallCall: isSmall) {
        free += missing
      } else {
        return false
      }
    }
    free -= bytes
    return true
  }

  /// Gives back what was taken.
  func give(_ bytes: Int) {
    free += bytes
    guard free > 2 * Self.pieceBytes else { return }
    budget.give(free - Self.pieceBytes)
    free = Self.pieceBytes
  }
}
