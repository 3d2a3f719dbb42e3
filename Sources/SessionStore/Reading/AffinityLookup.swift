import SessionDomain

/// Reads affinities on any connection.
enum AffinityLookup {
  /// A session's affinity; nil when it has none.
  static func find(_ id: SessionID, in database: Database) throws(StorageFailure) -> Affinity? {
    let statement = try database.statement(
      "SELECT strategy, health_check_interval, update_time FROM affinities WHERE session_id = ?")
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return nil }
    var row = statement.row
    guard let strategy = AffinityStrategy(rawValue: Int32(clamping: row.integer())) else { throw SessionRow.damaged }
    return Affinity(
      sessionID: id, targets: try targets(of: id, in: database), strategy: strategy,
      healthCheckInterval: .nanoseconds(row.integer()), updateTime: Timestamp(microseconds: row.integer()))
  }

  private static func targets(of id: SessionID, in database: Database) throws(StorageFailure) -> [AffinityTarget] {
    let statement = try database.statement(
      "SELECT target_id, weight FROM affinity_targets WHERE session_id = ? ORDER BY place")
    defer { statement.reset() }
    statement.bind(id)
    var targets: [AffinityTarget] = []
    while try statement.step() {
      var row = statement.row
      targets.append(try target(&row))
    }
    return targets
  }

  /// How the targets of a session's affinity stand, in order; `queuedMessages` tells how long a session's queue is.
  static func states(
    of id: SessionID, in database: Database, queuedMessages: (SessionID) throws(StorageFailure) -> Int64
  ) throws(StorageFailure) -> [TargetState] {
    let statement = try database.statement(
      """
      SELECT target_id, weight, place, status, iif(constraints LIKE '%"max-queue:%', constraints, NULL), \
      register_time IS NOT NULL, register_draining \
      FROM affinity_targets JOIN sessions ON id = target_id WHERE session_id = ? ORDER BY place
      """)
    defer { statement.reset() }
    statement.bind(id)
    var states: [TargetState] = []
    while try statement.step() {
      var row = statement.row
      let target = try target(&row)
      let place = Int(row.integer())
      guard let status = SessionStatus(rawValue: Int32(clamping: row.integer())) else { throw SessionRow.damaged }
      let queuedMessagesMax = Constraint.queuedMessagesMax(in: try JSONText.strings(&row) ?? [])
      states.append(
        TargetState(
          target: target, place: place, status: status, isRegistered: row.integer() != 0,
          isDraining: row.integer() != 0, queuedMessages: try queuedMessages(target.sessionID),
          queuedMessagesMax: queuedMessagesMax))
    }
    return states
  }

  /// The types of those sessions that exist.
  static func types(of ids: [SessionID], in database: Database) throws(StorageFailure) -> [SessionID: SessionType] {
    let list = JSONText.encode(ids.map(\.description))
    let statement = try database.bound(
      "SELECT id, type FROM sessions WHERE id IN (SELECT value FROM json_each(\(.text(list))))")
    defer { statement.reset() }
    var types: [SessionID: SessionType] = [:]
    while try statement.step() {
      var row = statement.row
      guard let id = SessionID(row.text()), let type = SessionType(rawValue: Int32(clamping: row.integer())) else {
        throw SessionRow.damaged
      }
      types[id] = type
    }
    return types
  }

  private static func target(_ row: inout Row) throws(StorageFailure) -> AffinityTarget {
    guard let id = SessionID(row.text()) else { throw SessionRow.damaged }
    return AffinityTarget(sessionID: id, weight: Int32(clamping: row.integer()))
  }
}

extension AffinityDraft {
  /// Checks everything, what only the file can tell included: the types of the targets.
  func check(in database: Database) throws(StorageFailure) -> Checked<NewAffinity> {
    let ids = targets.prefix(Self.targetsMax).compactMap { SessionID($0.sessionID) }
    return check(types: try AffinityLookup.types(of: ids, in: database))
  }
}
