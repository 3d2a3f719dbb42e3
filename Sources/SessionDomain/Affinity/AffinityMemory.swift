/// What is remembered from one resolution of an affinity to the next: whose turn it is, and how well the targets were
/// when they were last looked at.
public struct AffinityMemory: Hashable, Sendable {
  private var cyclic = CyclicTurn()
  private var smooth = SmoothTurn()
  private var lastLook: Timestamp?
  private var illnesses: [SessionID: String] = [:]

  /// Remembers nothing.
  public init() {}

  /// Whether it is time to look at the targets' health.
  public func isLookDue(every interval: Duration, at time: Timestamp) -> Bool {
    guard let lastLook else { return true }
    // A clock that was set back must not put off the next look for that long.
    return time < lastLook || time >= lastLook.advanced(by: interval)
  }

  /// Notes which targets are unhealthy at `time`, and why, until the next look.
  public mutating func noteLook(_ illnesses: [SessionID: String], at time: Timestamp) {
    self.illnesses = illnesses
    lastLook = time
  }

  /// Picks the target that gets the next piece of work, and takes the turn.
  ///
  /// `states` are those of the affinity's targets, in order; `key` matters to consistent hashing only. Throws what
  /// `Affinity.check` does, and `noTarget` when no target can take work.
  public mutating func resolve(
    _ affinity: Affinity, _ states: [TargetState], key: AffinityKey?
  ) throws(SessionError) -> AffinityChoice {
    try affinity.check(key)
    let obstacles = states.map { $0.obstacle(illness: illnesses[$0.target.sessionID]) }
    let able = zip(states, obstacles).filter { $0.1 == nil }.map(\.0)
    guard let pick = pick(affinity.strategy, from: able, key: key) else {
      throw .noTarget(affinity.sessionID, explanation: Explanation.ofNone(states, obstacles))
    }
    let explanation = Explanation(strategy: affinity.strategy, chosen: able[pick], able: able)
    return AffinityChoice(targetID: able[pick].target.sessionID, explanation: explanation.text(states, obstacles))
  }

  private mutating func pick(_ strategy: AffinityStrategy, from able: [TargetState], key: AffinityKey?) -> Int? {
    switch strategy {
    case .roundRobin:
      let place = cyclic.take(from: able.map(\.place))
      return able.firstIndex { $0.place == place }
    case .leastLoaded:
      let shortest = able.map(\.queuedMessages).min()
      let place = cyclic.take(from: able.filter { $0.queuedMessages == shortest }.map(\.place))
      return able.firstIndex { $0.place == place }
    case .weighted: return smooth.take(from: able.map(\.target))
    case .consistentHash: return key?.owner(among: able.map(\.target.sessionID))
    }
  }
}
