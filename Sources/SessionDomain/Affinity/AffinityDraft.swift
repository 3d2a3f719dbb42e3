/// The input of setting an affinity, as it came.
public struct AffinityDraft: Hashable, Sendable {
  /// How often targets are looked at when the request does not say.
  public static let healthCheckIntervalDefault: Duration = .seconds(10)
  /// The longest time between looks.
  public static let healthCheckIntervalMax: Duration = .seconds(365 * 24 * 60 * 60)
  /// The most targets of one session.
  public static let targetsMax = 1024

  /// One target, as it came.
  public struct Target: Hashable, Sendable {
    /// The id.
    public var sessionID: String
    /// Its share; 0 means 1.
    public var weight: Int32

    /// Makes a target.
    public init(sessionID: String, weight: Int32 = 0) {
      self.sessionID = sessionID
      self.weight = weight
    }
  }

  /// The id of the session that the targets work for.
  public var sessionID: String
  /// The targets.
  public var targets: [Target]
  /// The strategy as the contract's number; 0 means `roundRobin`.
  public var strategy: Int32
  /// How often to look at the targets' health; nil means 10 s.
  public var healthCheckInterval: Duration?

  /// Makes a draft.
  public init(sessionID: String, targets: [Target], strategy: Int32 = 0, healthCheckInterval: Duration? = nil) {
    self.sessionID = sessionID
    self.targets = targets
    self.strategy = strategy
    self.healthCheckInterval = healthCheckInterval
  }

  /// The draft made whole, and everything that is wrong with it, in the order of the fields. `types` are those of the
  /// targets that exist.
  ///
  /// There is no value when an id is none, so that no session can have it. Whether the sessions exist is the
  /// repository's to say.
  public func check(types: [SessionID: SessionType]) -> Checked<NewAffinity> {
    var checker = FieldChecker(prefix: "affinity.")
    if sessionID.isEmpty { checker.refuse("affinity.session_id", "the id of a session is required") }
    if targets.isEmpty { checker.refuse("affinity.targets", "at least one target is required") }
    if targets.count > Self.targetsMax {
      checker.refuse("affinity.targets", "at most \(Self.targetsMax) targets are allowed")
    }
    check(types, into: &checker)
    let strategy = strategy == 0 ? .roundRobin : AffinityStrategy(rawValue: strategy)
    if strategy == nil {
      checker.refuse(
        "affinity.strategy", "a strategy is one of ROUND_ROBIN, LEAST_LOADED, WEIGHTED and CONSISTENT_HASH")
    }
    let interval = healthCheckInterval ?? Self.healthCheckIntervalDefault
    if interval <= .zero || interval > Self.healthCheckIntervalMax {
      checker.refuse("affinity.health_check_interval", "an interval is more than nothing, and a year at most")
    }
    return Checked(value: value(strategy, interval), parentID: nil, violations: checker.violations)
  }

  /// The ids that it names, in the order of the fields; they may be none.
  public var ids: [String] { [sessionID] + targets.map(\.sessionID) }

  private func check(_ types: [SessionID: SessionType], into checker: inout FieldChecker) {
    let owner = Name(sessionID)
    var seen: Set<Name> = []
    for (index, target) in targets.enumerated() {
      let path = "affinity.targets[\(index)]"
      let name = Name(target.sessionID)
      if target.sessionID.isEmpty {
        checker.refuse("\(path).session_id", "the id of a session is required")
      } else {
        if name == owner { checker.refuse("\(path).session_id", "a session does not work for itself") }
        if let id = name.id, types[id] == .observer {
          checker.refuse("\(path).session_id", "an OBSERVER takes no work")
        }
        if !seen.insert(name).inserted { checker.refuse("\(path).session_id", "a target is given only once") }
      }
      if target.weight < 0 { checker.refuse("\(path).weight", "a weight is not negative") }
    }
  }

  /// What an id given by a caller names: ids are the same in any case of their digits, texts that are no ids as they
  /// are, so that what is wrong with a draft does not depend on whether its sessions exist.
  private struct Name: Hashable {
    let id: SessionID?
    let text: String

    init(_ text: String) {
      id = SessionID(text)
      self.text = id == nil ? text : ""
    }
  }

  private func value(_ strategy: AffinityStrategy?, _ interval: Duration) -> NewAffinity? {
    guard let strategy, let owner = SessionID(sessionID) else { return nil }
    let known = targets.compactMap { target in
      SessionID(target.sessionID).map { AffinityTarget(sessionID: $0, weight: max(1, target.weight)) }
    }
    guard known.count == targets.count else { return nil }
    return NewAffinity(sessionID: owner, targets: known, strategy: strategy, healthCheckInterval: interval)
  }
}

/// The contents of an affinity to set, all within their limits. Made by `AffinityDraft.check(types:)`.
public struct NewAffinity: Hashable, Sendable {
  /// The session that the targets work for, which may not exist.
  public let sessionID: SessionID
  /// The targets, which may not exist.
  public let targets: [AffinityTarget]
  /// How the next one is picked.
  public let strategy: AffinityStrategy
  /// How often the targets' health is looked at.
  public let healthCheckInterval: Duration

  /// The affinity that this becomes at `time`.
  public func affinity(at time: Timestamp) -> Affinity {
    Affinity(
      sessionID: sessionID, targets: targets, strategy: strategy, healthCheckInterval: healthCheckInterval,
      updateTime: time)
  }
}
