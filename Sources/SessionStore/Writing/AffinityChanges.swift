import SessionDomain

/// The changes of affinities, and the turns of their targets.
extension Writer {
  func setAffinity(_ draft: AffinityDraft) throws(SessionError) -> Affinity {
    let checked = try storing { () throws(StorageFailure) in try draft.check(in: database) }
    guard checked.violations.isEmpty else { throw .invalidArgument(checked.violations) }
    for text in draft.ids {
      guard let id = SessionID(text) else { throw .notAnID(text) }
      try checkExists(id)
    }
    // With ids that all are some, and nothing wrong, there is one.
    guard let new = checked.value else { throw .notAnID(draft.sessionID) }
    let affinity = new.affinity(at: nextTime())
    try storing { () throws(StorageFailure) in
      _ = try releaseAffinity(of: affinity.sessionID)
      try insert(affinity)
    }
    return affinity
  }

  func deleteAffinity(of id: SessionID) throws(SessionError) {
    try checkExists(id)
    guard try storing({ () throws(StorageFailure) in try releaseAffinity(of: id) }) else {
      throw .affinityNotFound(id)
    }
  }

  func resolveAffinity(of id: SessionID, key: AffinityKey?) throws(SessionError) -> AffinityChoice {
    try takeTurn(of: try affinity(of: id), key: key)
  }

  func affinity(of id: SessionID) throws(SessionError) -> Affinity {
    try checkExists(id)
    guard let affinity = try storing({ () throws(StorageFailure) in try AffinityLookup.find(id, in: database) }) else {
      throw .affinityNotFound(id)
    }
    return affinity
  }

  /// Picks the target whose turn it is.
  func takeTurn(of affinity: Affinity, key: AffinityKey?) throws(SessionError) -> AffinityChoice {
    let id = affinity.sessionID
    let states = try storing { () throws(StorageFailure) in
      try AffinityLookup.states(of: id, in: database) { (id) throws(StorageFailure) in
        Int64(try queues.pendingCount(of: id, by: self))
      }
    }
    // Taken out, lest it is copied as it changes.
    var memory = affinityMemories.removeValue(forKey: id) ?? AffinityMemory()
    // A look also counts when no target can be taken then.
    defer { affinityMemories[id] = memory }
    let time = clockTime
    if memory.isLookDue(every: affinity.healthCheckInterval, at: time) {
      let ids = affinity.targets.map(\.sessionID)
      memory.noteLook(try storing { () throws(StorageFailure) in try illnesses(of: ids) }, at: time)
    }
    return try memory.resolve(affinity, states, key: key)
  }

  /// Takes a session's affinity away; whether it had one.
  func releaseAffinity(of id: SessionID) throws(StorageFailure) -> Bool {
    affinityMemories[id] = nil
    try run("DELETE FROM affinity_targets WHERE session_id = ?", id)
    let statement = try database.statement("DELETE FROM affinities WHERE session_id = ? RETURNING 1")
    defer { statement.reset() }
    statement.bind(id)
    return try statement.step()
  }

  /// Lets a session that is deleted leave all affinities, its own and those of which it is a target.
  func leaveAffinities(_ id: SessionID) throws(StorageFailure) {
    _ = try releaseAffinity(of: id)
    let statement = try database.statement(
      """
      UPDATE affinities SET update_time = ? \
      WHERE session_id IN (SELECT session_id FROM affinity_targets WHERE target_id = ?)
      """)
    statement.bind(state.totals.time)
    statement.bind(id)
    try statement.run()
    try run("DELETE FROM affinity_targets WHERE target_id = ?", id)
  }

  private func checkExists(_ id: SessionID) throws(SessionError) {
    let exists = try storing { () throws(StorageFailure) in try SessionLookup.exists(id, in: database) }
    guard exists else { throw .notFound(id) }
  }

  private func insert(_ affinity: Affinity) throws(StorageFailure) {
    let id = affinity.sessionID.description
    let statement = try database.statement(
      "INSERT INTO affinities (session_id, strategy, health_check_interval, update_time) VALUES (?, ?, ?, ?)")
    statement.bind(id)
    statement.bind(Int64(affinity.strategy.rawValue))
    statement.bind(Int64(affinity.healthCheckInterval / .nanoseconds(1)))
    statement.bind(affinity.updateTime)
    try statement.run()
    for (place, target) in affinity.targets.enumerated() {
      let statement = try database.statement(
        "INSERT INTO affinity_targets (session_id, place, target_id, weight) VALUES (?, ?, ?, ?)")
      statement.bind(id)
      statement.bind(Int64(place))
      statement.bind(target.sessionID)
      statement.bind(Int64(target.weight))
      try statement.run()
    }
  }

  private func run(_ sql: String, _ id: SessionID) throws(StorageFailure) {
    let statement = try database.statement(sql)
    statement.bind(id)
    try statement.run()
  }
}
