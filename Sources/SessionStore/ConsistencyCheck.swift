import SessionDomain

extension SQLiteSessionRepository {
  /// Looks for what must never be, and tells each find in a sentence; empty when all is well. Reads the whole file.
  public func inconsistencies() async throws(SessionError) -> [String] {
    let finds = try await readers.readAtOnce { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in
        try ConsistencyCheck(database: database, column: try self.searchMemory.begin(database)).run()
      }
    }
    return try await finds
      + committer.submit { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in
          let rows = try writer.database.integer("SELECT count(*) FROM dead_letters") ?? 0
          let known = writer.state.deadLetters
          return try writer.bus.inconsistencies(with: writer.database)
            + (rows == known ? [] : ["\(rows) messages are dead letters, not \(known)"])
        }
      }
  }
}

private struct ConsistencyCheck {
  let database: Database
  /// What searches look into; nil when they read the file.
  let column: SearchColumn?

  func run() throws(StorageFailure) -> [String] {
    var finds: [String] = []
    if let damage = try database.text("PRAGMA integrity_check(1)"), damage != "ok" { finds.append(damage) }
    finds += try historyFinds()
    finds += try totalsFinds()
    finds += try searchFinds()
    for (query, find) in Self.forbiddenRows {
      let count = try database.integer(query) ?? 0
      if count > 0 { finds.append("\(count) \(find)") }
    }
    return finds
  }

  private func historyFinds() throws(StorageFailure) -> [String] {
    let bounds = try EventHistory.bounds(database)
    let count = try database.integer("SELECT count(*) FROM events") ?? 0
    let last = try database.integer("SELECT coalesce(max(sequence), 0) FROM events") ?? 0
    var finds: [String] = []
    if count != bounds.newest - bounds.oldest + 1 {
      finds.append("\(count) events are kept from \(bounds.oldest) to \(bounds.newest)")
    }
    if count > 0, last != bounds.newest { finds.append("the last event is \(last), not \(bounds.newest)") }
    return finds
  }

  private func searchFinds() throws(StorageFailure) -> [String] {
    guard let column, let stored = try SearchColumn.read(database, bytesMax: .max) else { return [] }
    return column.holdsSame(as: stored) ? [] : ["searches look into something else than what is stored"]
  }

  private func totalsFinds() throws(StorageFailure) -> [String] {
    let totals = try Totals.read(database)
    var finds: [String] = []
    for type in SessionType.allCases {
      let rows = try database.integer("SELECT count(*) FROM sessions WHERE type = \(type.rawValue)") ?? 0
      if rows != totals.count(type) { finds.append("\(rows) sessions are \(type), not \(totals.count(type))") }
    }
    for status in SessionStatus.allCases {
      let rows = try database.integer("SELECT count(*) FROM sessions WHERE status = \(status.rawValue)") ?? 0
      if rows != totals.count(status) { finds.append("\(rows) sessions are \(status), not \(totals.count(status))") }
    }
    let allocated = ResourceAllocation(
      memoryBytes: try database.integer("SELECT coalesce(sum(memory_bytes), 0) FROM sessions") ?? 0,
      cpuMillicores: try database.integer("SELECT coalesce(sum(cpu_millicores), 0) FROM sessions") ?? 0,
      diskBytes: try database.integer("SELECT coalesce(sum(disk_bytes), 0) FROM sessions") ?? 0)
    let uptime = Totals.Uptime(
      started: try database.integer("SELECT count(start_time) FROM sessions") ?? 0,
      running: try database.integer("SELECT count(*) FROM sessions WHERE start_time IS NOT NULL AND end_time IS NULL")
        ?? 0,
      seconds: try sum("coalesce(end_time, 0) / 1000000 - start_time / 1000000"),
      microseconds: try sum("coalesce(end_time, 0) % 1000000 - start_time % 1000000"))
    if uptime != totals.uptime { finds.append("sessions were up for \(uptime), not \(totals.uptime)") }
    // Clones may begin with what others have processed.
    let processed = """
      SELECT sum(tasks_processed) > \(totals.tasksProcessed) FROM session_metrics \
      WHERE session_id IN (SELECT id FROM sessions WHERE cloned_from IS NULL)
      """
    if try database.integer(processed) == 1 {
      finds.append("sessions have processed more than the \(totals.tasksProcessed) tasks of all")
    }
    if allocated != totals.allocated { finds.append("sessions have \(allocated), not \(totals.allocated)") }
    return finds
  }

  private func sum(_ expression: String) throws(StorageFailure) -> Int64 {
    try database.integer("SELECT coalesce(sum(\(expression)), 0) FROM sessions WHERE start_time IS NOT NULL") ?? 0
  }

  private static let forbiddenRows = [
    (
      """
      SELECT count(*) FROM sessions AS s WHERE revision >= (SELECT coalesce(min(sequence), revision + 1) FROM events) \
      AND NOT EXISTS (SELECT 1 FROM events WHERE sequence = s.revision AND session_id = s.id)
      """, "sessions have a revision that is no event of theirs"
    ),
    (
      """
      SELECT count(*) FROM sessions AS s WHERE parent_id IS NOT NULL \
      AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = s.parent_id)
      """, "sessions have a parent that is gone"
    ),
    (
      "SELECT count(*) FROM affinities WHERE session_id NOT IN (SELECT id FROM sessions)",
      "affinities are of sessions that are gone"
    ),
    (
      """
      SELECT count(*) FROM affinity_targets WHERE target_id NOT IN (SELECT id FROM sessions) \
      OR session_id NOT IN (SELECT session_id FROM affinities)
      """, "targets of affinities are gone, or have no affinity"
    ),
    (
      "SELECT count(*) FROM messages WHERE receiver_id NOT IN (SELECT id FROM sessions WHERE register_time IS NOT NULL)",
      "messages wait for sessions that are not on the bus"
    ),
    (
      "SELECT count(*) FROM messages WHERE id IN (SELECT id FROM dead_letters)",
      "messages are dead letters, and wait, too"
    ),
    (
      "SELECT count(*) FROM session_metrics WHERE session_id NOT IN (SELECT id FROM sessions)",
      "metrics are of sessions that are gone"
    ),
    (
      """
      SELECT count(*) FROM sessions WHERE NOT (json_valid(metadata) AND json_valid(capabilities) \
      AND json_valid(constraints) AND json_valid(environment))
      """, "sessions have a column that is no JSON"
    ),
    (
      "SELECT count(*) FROM sessions WHERE (status IN (4, 6)) <> (end_time IS NOT NULL)",
      "sessions have an end that does not fit their status"
    ),
    (
      "SELECT count(*) FROM events AS a JOIN events AS b ON b.sequence = a.sequence + 1 WHERE b.time < a.time",
      "events happened before the one before them"
    ),
  ]
}
