/// Says why a target was taken, and why the others were not.
struct Explanation {
  let strategy: AffinityStrategy
  let chosen: TargetState
  /// Those that can take work, the chosen one among them.
  let able: [TargetState]

  /// The most of the other targets that are told one by one.
  private static let toldMax = 32

  func text(_ states: [TargetState], _ obstacles: [String?]) -> String {
    let others = zip(states, obstacles).filter { $0.0.place != chosen.place }
    return Self.joined([reason] + others.map { Self.sentence($0, $1 ?? whyNot($0)) })
  }

  /// Why none was taken.
  static func ofNone(_ states: [TargetState], _ obstacles: [String?]) -> String {
    guard !states.isEmpty else { return "all of its targets were deleted" }
    return joined(zip(states, obstacles).compactMap { state, obstacle in obstacle.map { sentence(state, $0) } })
  }

  private var reason: String {
    switch strategy {
    case .roundRobin: Self.sentence(chosen, "is next in the order given")
    case .leastLoaded:
      able.contains { $0.place != chosen.place && $0.queuedMessages == chosen.queuedMessages }
        ? Self.sentence(chosen, "is next of those with the shortest queue, \(chosen.queueText)")
        : Self.sentence(chosen, "has the shortest queue, \(chosen.queueText)")
    case .weighted: Self.sentence(chosen, "is furthest behind its share of \(share(chosen))")
    case .consistentHash: Self.sentence(chosen, "has this key, of the \(able.count) that can take work")
    }
  }

  private func whyNot(_ other: TargetState) -> String {
    switch strategy {
    case .roundRobin: "comes later"
    case .leastLoaded:
      other.queuedMessages == chosen.queuedMessages ? "comes later" : "has \(other.queueText) queued"
    case .weighted: "is not as far behind its share of \(share(other))"
    case .consistentHash: "has other keys"
    }
  }

  private func share(_ state: TargetState) -> String {
    "\(state.target.weight) in \(able.reduce(0) { $0 + Int64($1.target.weight) })"
  }

  private static func sentence(_ state: TargetState, _ predicate: String) -> String {
    "\(state.target.sessionID) \(predicate)"
  }

  private static func joined(_ sentences: [String]) -> String {
    let told = sentences.prefix(toldMax + 1)
    let more = sentences.count > told.count ? ["and \(sentences.count - told.count) more"] : []
    return (told + more).joined(separator: "; ")
  }
}
