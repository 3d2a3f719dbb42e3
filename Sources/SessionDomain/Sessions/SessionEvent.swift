/// What an event tells. Raw values are the contract's numbers.
public enum EventKind: Int32, CaseIterable, Hashable, Sendable {
  case created = 1
  case updated = 2
  case statusChanged = 3
  case error = 4
  case terminated = 5
  case deleted = 6
  case registered = 7
  case deregistered = 8
  case migrated = 9
  case healthChanged = 10
}

/// One committed change of one session.
public struct SessionEvent: Hashable, Sendable {
  /// Grows by exactly 1 from event to event, from 1 on.
  public var sequence: Int64
  /// When the change was made.
  public var time: Timestamp
  /// What happened.
  public var kind: EventKind
  /// The session it happened to.
  public var sessionID: SessionID
  /// That session's type.
  public var sessionType: SessionType
  /// That session's name after the change.
  public var sessionName: String
  /// The status before; only in `statusChanged`.
  public var oldStatus: SessionStatus?
  /// The status after the change.
  public var newStatus: SessionStatus
  /// Why, in `statusChanged`, `terminated` and `deregistered`; empty for no reason.
  public var reason: String = ""
  /// What went wrong, in `error`.
  public var error: String = ""
  /// The paths that changed, in `updated` and `migrated`.
  public var changedFields: [String] = []
  /// The health before, in `healthChanged`.
  public var oldHealth: String = ""
  /// The health after, in `healthChanged`.
  public var newHealth: String = ""

  /// Makes an event about `session` as it stands after the change; the details are the caller's to add.
  public init(sequence: Int64, time: Timestamp, kind: EventKind, session: Session) {
    self.init(
      sequence: sequence, time: time, kind: kind, sessionID: session.id, sessionType: session.type,
      sessionName: session.name, newStatus: session.status)
  }

  /// Makes an event of its parts; the details are the caller's to add.
  public init(
    sequence: Int64, time: Timestamp, kind: EventKind, sessionID: SessionID, sessionType: SessionType,
    sessionName: String, newStatus: SessionStatus
  ) {
    self.sequence = sequence
    self.time = time
    self.kind = kind
    self.sessionID = sessionID
    self.sessionType = sessionType
    self.sessionName = sessionName
    self.newStatus = newStatus
  }
}
