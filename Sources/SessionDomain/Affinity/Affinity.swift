/// Which sessions work for a session, and which of them gets the next piece of work.
public struct Affinity: Hashable, Sendable {
  /// The session that they work for.
  public var sessionID: SessionID
  /// Those that work, in the order given. Fewer than were given when some were deleted since, and none when all were.
  public var targets: [AffinityTarget]
  /// How the next one is picked.
  public var strategy: AffinityStrategy
  /// How often the targets' health is looked at.
  public var healthCheckInterval: Duration
  /// When it was set, or when a target last left it.
  public var updateTime: Timestamp

  /// Makes an affinity.
  public init(
    sessionID: SessionID, targets: [AffinityTarget], strategy: AffinityStrategy, healthCheckInterval: Duration,
    updateTime: Timestamp
  ) {
    self.sessionID = sessionID
    self.targets = targets
    self.strategy = strategy
    self.healthCheckInterval = healthCheckInterval
    self.updateTime = updateTime
  }

  /// Throws `invalidArgument` when a key is needed to pick one, and there is none.
  public func check(_ key: AffinityKey?) throws(SessionError) {
    guard strategy == .consistentHash, key == nil else { return }
    throw .invalidArgument([FieldViolation(path: "affinity_key", description: "CONSISTENT_HASH needs a key")])
  }
}

/// A session that works for another.
public struct AffinityTarget: Hashable, Sendable {
  /// The session.
  public var sessionID: SessionID
  /// Its share of the work under `weighted`, at least 1.
  public var weight: Int32

  /// Makes a target.
  public init(sessionID: SessionID, weight: Int32 = 1) {
    self.sessionID = sessionID
    self.weight = weight
  }
}

/// How the next target is picked. Raw values are the contract's numbers.
public enum AffinityStrategy: Int32, CaseIterable, Hashable, Sendable {
  /// Each in turn, in the order given.
  case roundRobin = 1
  /// The one with the shortest queue; several such in turn.
  case leastLoaded = 2
  /// In proportion to the weights, and smoothly.
  case weighted = 3
  /// The same key to the same target.
  case consistentHash = 4
}

/// Which target gets the next piece of work.
public struct AffinityChoice: Hashable, Sendable {
  /// The target.
  public var targetID: SessionID
  /// Why this one, and why not the others.
  public var explanation: String

  /// Makes a choice.
  public init(targetID: SessionID, explanation: String) {
    self.targetID = targetID
    self.explanation = explanation
  }
}
