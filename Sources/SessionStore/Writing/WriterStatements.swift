import SessionDomain

/// The statements of the committer's loop, prepared once.
struct WriterStatements {
  let begin: Statement
  let commit: Statement
  let savepoint: Statement
  let release: Statement
  let rollBackToSavepoint: Statement
  let insertSession: Statement
  let replaceSession: Statement
  let touchSession: Statement
  let noteActivity: Statement
  let countMessages: Statement
  let deleteSession: Statement
  let insertEvent: Statement
  let updateTotals: Statement

  init(_ database: Database) throws(StorageFailure) {
    begin = try database.prepare("BEGIN IMMEDIATE")
    commit = try database.prepare("COMMIT")
    savepoint = try database.prepare("SAVEPOINT change")
    release = try database.prepare("RELEASE change")
    rollBackToSavepoint = try database.prepare("ROLLBACK TO change")
    insertSession = try database.prepare(SessionRow.insert)
    replaceSession = try database.prepare(SessionRow.update)
    touchSession = try database.prepare("UPDATE sessions SET last_activity_time = ? WHERE id = ?")
    noteActivity = try database.prepare(
      "UPDATE sessions SET last_activity_time = ?1 WHERE id = ?2 AND last_activity_time < ?1")
    countMessages = try database.prepare(
      """
      INSERT INTO session_metrics \
      (session_id, messages_processed, tasks_processed, memory_usage_bytes, cpu_usage, health) VALUES (?, ?, 0, 0, 0, 1) \
      ON CONFLICT DO UPDATE SET messages_processed = messages_processed + excluded.messages_processed
      """)
    deleteSession = try database.prepare("DELETE FROM sessions WHERE id = ?")
    insertEvent = try database.prepare("INSERT INTO events (\(EventRow.columns)) VALUES (\(EventRow.marks))")
    updateTotals = try database.prepare(Totals.update)
  }
}

extension Writer {
  func find(_ id: SessionID) throws(StorageFailure) -> Session? {
    guard var session = try SessionLookup.find(id, in: database) else { return nil }
    if let time = latestActivity(of: id) { session.lastActivityTime = max(session.lastActivityTime, time) }
    return session
  }

  func insert(_ session: Session, metadataText: String, events: [SessionEvent]) throws(StorageFailure) {
    SessionRow.bind(session, metadataText: metadataText, to: statements.insertSession)
    try statements.insertSession.run()
    state.totals.add(session)
    staged.sessions.append(session)
    try append(events)
  }

  /// Takes the session as it is now; how many messages went to the dead letters with its end.
  func replace(_ old: Session, with session: Session, events: [SessionEvent]) throws(StorageFailure) -> Int {
    SessionRow.bind(
      session, metadataText: JSONValue.object(session.metadata).compactText, to: statements.replaceSession)
    try statements.replaceSession.run()
    state.totals.remove(old)
    state.totals.add(session)
    staged.sessions.append(session)
    bus.forgetSeat(of: session.id)
    bus.unsettle(session.id)
    try append(events)
    return session.status.isFinal ? try discardMessages(of: old, reason: session.statusReason) : 0
  }

  /// Notes activity, which is no event.
  func touch(_ session: Session) throws(StorageFailure) {
    statements.touchSession.bind(session.lastActivityTime)
    statements.touchSession.bind(session.id)
    try statements.touchSession.run()
    staged.sessions.append(session)
  }

  func remove(_ old: Session, events: [SessionEvent]) throws(StorageFailure) {
    try leaveAffinities(old.id)
    try removeMetrics(of: old.id)
    statements.deleteSession.bind(old.id)
    try statements.deleteSession.run()
    state.totals.remove(old)
    staged.deleted.append(old.id)
    try append(events)
    _ = try discardMessages(of: old, reason: ShutdownReason.forced)
  }

  /// A session that has not finished may have messages.
  private func discardMessages(of old: Session, reason: String?) throws(StorageFailure) -> Int {
    guard !old.status.isFinal else { return 0 }
    return try queues.discardAll(of: old.id, reason: reason ?? "", by: self)
  }

  func append(_ events: [SessionEvent]) throws(StorageFailure) {
    for event in events {
      EventRow.bind(event, to: statements.insertEvent)
      try statements.insertEvent.run()
      state.totals.sequence = event.sequence
      state.history.append(event)
    }
    staged.events += events
  }
}
