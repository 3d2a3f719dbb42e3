/// Gives turns in a fixed order of places, over and over, and passes over places that are not there.
struct CyclicTurn: Hashable, Sendable {
  private var last = -1

  /// The first of `places`, which are ascending, after the last one that was taken; nil when there are none.
  mutating func take(from places: some Collection<Int>) -> Int? {
    guard let next = places.first(where: { $0 > last }) ?? places.first else { return nil }
    last = next
    return next
  }
}

/// Gives turns in proportion to weights and spreads them evenly: weights 3 and 1 give A A B A, not A A A B.
///
/// Each turn everybody's credit grows by the own weight; whoever has the most is taken, the first of several, and pays
/// the sum of the weights (nginx's smooth weighted balancing). Who is not there keeps the credit.
struct SmoothTurn: Hashable, Sendable {
  private var credits: [SessionID: Int64] = [:]

  /// The index of the one whose turn it is; nil when there are none.
  mutating func take(from targets: [AffinityTarget]) -> Int? {
    var total: Int64 = 0
    var best: (index: Int, credit: Int64)?
    for (index, target) in targets.enumerated() {
      total += Int64(target.weight)
      let credit = credits[target.sessionID, default: 0] + Int64(target.weight)
      credits[target.sessionID] = credit
      if best.map({ credit > $0.credit }) ?? true { best = (index, credit) }
    }
    guard let best else { return nil }
    credits[targets[best.index].sessionID] = best.credit - total
    return best.index
  }
}

/// A key as consistent hashing sees it.
///
/// Each key ranks all targets by a hash of both, and belongs to the first (rendezvous hashing): a target that goes
/// gives away its own keys alone, and one that comes takes only keys that are its own. The order given does not matter,
/// and ranks are the same in every run.
public struct AffinityKey: Hashable, Sendable {
  private let hash: UInt64

  /// Reads a key; nil for the empty text, which is none.
  public init?(_ text: String) {
    guard !text.isEmpty else { return nil }
    var hash = StableHash()
    hash.combine(text)
    self.hash = hash.value
  }

  /// The index of the one that the key belongs to; nil when there are none.
  func owner(among ids: [SessionID]) -> Int? {
    ids.indices.max { (rank(ids[$0]), ids[$0]) < (rank(ids[$1]), ids[$1]) }
  }

  private func rank(_ id: SessionID) -> UInt64 {
    Self.mix(Self.mix(Self.mix(hash) ^ id.high) ^ id.low)
  }

  /// The finalizer of SplitMix64: every bit of the input changes every bit of the output half of the time, which the
  /// hash of a text alone does not do.
  private static func mix(_ value: UInt64) -> UInt64 {
    var value = value &+ 0x9e37_79b9_7f4a_7c15
    value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
    return value ^ value >> 31
  }
}
