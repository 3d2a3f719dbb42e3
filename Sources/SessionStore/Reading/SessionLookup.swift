import SessionDomain

/// Reads single sessions on any connection.
enum SessionLookup {
  private static let select = "SELECT \(SessionRow.columns) FROM sessions WHERE id = ?"

  static func statement(of id: SessionID) -> SQLFragment { SQLFragment(sql: select, bindings: [.text(id.description)]) }

  static func find(_ id: SessionID, in database: Database) throws(StorageFailure) -> Session? {
    let statement = try database.statement(select)
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return nil }
    var row = statement.row
    return try SessionRow.read(&row)
  }

  /// The parent of a session: nil when there is no such session, and nil inside when it has none.
  static func parent(of id: SessionID, in database: Database) throws(StorageFailure) -> SessionID?? {
    let statement = try database.statement("SELECT parent_id FROM sessions WHERE id = ?")
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return .none }
    var row = statement.row
    return .some(row.optionalText().flatMap { SessionID($0) })
  }

  /// The ids after one, nil for the first, in order.
  static func ids(after id: SessionID?, limit: Int, in database: Database) throws(StorageFailure) -> [SessionID] {
    let statement = try database.statement("SELECT id FROM sessions WHERE id > ? ORDER BY id LIMIT ?")
    defer { statement.reset() }
    statement.bind(id?.description ?? "")
    statement.bind(Int64(limit))
    var ids: [SessionID] = []
    while try statement.step() {
      var row = statement.row
      guard let id = SessionID(row.text()) else { throw SessionRow.damaged }
      ids.append(id)
    }
    return ids
  }

  /// Reads ids for what memory is to know of many sessions, those before a damaged page; the calls that read it tell.
  static func eachID(
    _ query: SQLFragment, in database: Database, _ body: (SessionID) -> Void
  ) throws(StorageFailure) {
    let statement = try database.bound(query)
    defer { statement.reset() }
    do throws(StorageFailure) {
      while try statement.step() {
        var row = statement.row
        guard let id = SessionID(row.text()) else { throw SessionRow.damaged }
        body(id)
      }
    } catch {
      guard error.kind == .corrupt else { throw error }
    }
  }

  /// What the file knows of a session's health, and how well it was at the last look; nil when there is none.
  static func vitalSigns(
    of id: SessionID, at time: Timestamp, in database: Database
  ) throws(StorageFailure) -> (signs: VitalSigns, last: HealthStatus)? {
    let statement = try database.statement(
      """
      SELECT status, constraints, memory_bytes, cpu_millicores, disk_bytes, start_time, end_time, last_activity_time, \
      coalesce(messages_processed, 0), coalesce(tasks_processed, 0), coalesce(memory_usage_bytes, 0), \
      coalesce(cpu_usage, 0.0), coalesce(health, 1) \
      FROM sessions LEFT JOIN session_metrics ON session_id = id WHERE id = ?
      """)
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return nil }
    var row = statement.row
    guard let status = SessionStatus(rawValue: Int32(clamping: row.integer())) else { throw SessionRow.damaged }
    let constraints = try JSONText.strings(&row) ?? []
    let resources = (row.optionalInteger(), row.optionalInteger(), row.optionalInteger())
    var signs = VitalSigns(
      sessionID: id, status: status, constraints: constraints,
      startTime: row.optionalInteger().map(Timestamp.init), endTime: row.optionalInteger().map(Timestamp.init),
      lastActivityTime: Timestamp(microseconds: row.integer()), checkTime: time)
    if let memory = resources.0, let cpu = resources.1, let disk = resources.2 {
      signs.resources = ResourceAllocation(memoryBytes: memory, cpuMillicores: cpu, diskBytes: disk)
    }
    let metrics = try MetricsRow.read(&row)
    signs.usage = metrics.usage
    return (signs, metrics.health)
  }

  static func exists(_ id: SessionID, in database: Database) throws(StorageFailure) -> Bool {
    try parent(of: id, in: database) != nil
  }
}
