import Testing

@testable import SessionDomain

private func id(_ number: Int) -> SessionID {
  // Ids of one millisecond, as sessions that are created together have them.
  SessionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | UInt64(number))
}

@Suite struct TurnTests {
  @Test func `Turns go in the order of the places, over and over`() {
    var turn = CyclicTurn()
    #expect((0..<7).map { _ in turn.take(from: [0, 1, 2]) } == [0, 1, 2, 0, 1, 2, 0])
  }

  @Test func `Places that are not there are passed over, and take their turns again when they are back`() {
    var turn = CyclicTurn()
    #expect(turn.take(from: [0, 1, 2, 3]) == 0)
    #expect(turn.take(from: [0, 2, 3]) == 2)
    #expect(turn.take(from: [0, 1]) == 0)
    #expect(turn.take(from: [0, 1, 2, 3]) == 1)
    #expect(turn.take(from: []) == nil)
    #expect(turn.take(from: [0, 1, 2, 3]) == 2)
    #expect(turn.take(from: [0]) == 0)
    #expect(turn.take(from: [0]) == 0)
  }

  private func letters(_ weights: [Int32], _ count: Int) -> String {
    var turn = SmoothTurn()
    let targets = weights.enumerated().map { AffinityTarget(sessionID: id($0), weight: $1) }
    let names = Array("ABCDEF")
    return String((0..<count).compactMap { _ in turn.take(from: targets).map { names[$0] } })
  }

  @Test(
    arguments: [
      ([3, 1], "AABAAABA"), ([1, 1], "ABAB"), ([2, 1], "ABAABA"), ([5, 1, 1], "AABACAA"), ([1, 3], "BABBBABB"),
      ([7], "AAA"), ([1, 1, 1], "ABCABC"), ([Int32.max, Int32.max], "ABAB"),
    ] as [([Int32], String)])
  func `Weighted turns are smooth`(weights: [Int32], turns: String) {
    #expect(letters(weights, turns.count) == turns)
  }

  @Test func `Weighted turns are in proportion to the weights, in every round`() {
    let weights: [Int32] = [5, 3, 2, 1]
    let turns = Array(letters(weights, 11 * 20))
    for round in 0..<20 {
      let counts = Dictionary(grouping: turns[(round * 11)..<(round * 11 + 11)]) { $0 }.mapValues(\.count)
      #expect(counts == ["A": 5, "B": 3, "C": 2, "D": 1])
    }
  }

  @Test func `Whoever is not there for a while does not make up for it`() {
    var turn = SmoothTurn()
    let both = [AffinityTarget(sessionID: id(0), weight: 1), AffinityTarget(sessionID: id(1), weight: 1)]
    for _ in 0..<100 { #expect(turn.take(from: [both[0]]) == 0) }
    let turns = (0..<10).compactMap { _ in turn.take(from: both) }
    #expect(turns.count { $0 == 0 } == 5)
    #expect(turn.take(from: []) == nil)
  }
}

@Suite struct AffinityKeyTests {
  private func owners(of keys: Int, among ids: [SessionID]) -> [SessionID] {
    (0..<keys).compactMap { number in AffinityKey("key-\(number)")?.owner(among: ids).map { ids[$0] } }
  }

  @Test func `The empty text is no key, and among none there is no owner`() {
    #expect(AffinityKey("") == nil)
    #expect(AffinityKey("k")?.owner(among: []) == nil)
  }

  @Test func `The same key has the same owner, whatever the order`() {
    let ids = (0..<10).map(id)
    #expect(owners(of: 1000, among: ids) == owners(of: 1000, among: ids.reversed()))
  }

  /// Ranks are part of what callers rely on over restarts and versions.
  @Test func `Keys belong to whom they always belonged`() {
    let ids = (0..<8).map(id)
    #expect(["a", "b", "c", "d", "task-1", "é"].map { AffinityKey($0)?.owner(among: ids) } == [3, 0, 4, 0, 2, 6])
  }

  @Test(arguments: [0, 4, 9]) func `A target that goes gives away its own keys only, to all others`(gone: Int) {
    let ids = (0..<10).map(id)
    let before = owners(of: 5000, among: ids)
    let after = owners(of: 5000, among: ids.filter { $0 != ids[gone] })
    var heirs: Set<SessionID> = []
    for (old, new) in zip(before, after) {
      if old == ids[gone] { heirs.insert(new) } else { #expect(new == old) }
    }
    #expect(heirs.count == 9)
  }

  @Test func `A target that comes takes its share of the keys and moves no other`() {
    let ids = (0..<10).map(id)
    let before = owners(of: 11_000, among: ids)
    let after = owners(of: 11_000, among: ids + [id(99)])
    let moved = zip(before, after).filter { $0 != $1 }
    #expect(moved.allSatisfy { $0.1 == id(99) })
    #expect((850...1150).contains(moved.count), "\(moved.count)")
  }

  @Test func `Keys spread evenly`() {
    let ids = (0..<10).map(id)
    let counts = Dictionary(grouping: owners(of: 20_000, among: ids)) { $0 }.mapValues(\.count)
    #expect(counts.count == 10)
    #expect(counts.values.allSatisfy { (1800...2200).contains($0) }, "\(counts.values.sorted())")
  }
}
