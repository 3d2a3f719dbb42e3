import SessionDomain

/// A row of the table `session_metrics`: what the file has of a session's reports, and how well it was at the last
/// look. Sessions that never reported and always were well have none.
struct MetricsRow: Hashable {
  var processed = ProcessedCounts()
  var usage = ResourceUsage(memoryBytes: 0, cpu: 0)
  var health = HealthStatus.healthy

  /// The row of a session, or what stands for none.
  static func find(_ id: SessionID, in database: Database) throws(StorageFailure) -> MetricsRow {
    let statement = try database.statement(
      """
      SELECT messages_processed, tasks_processed, memory_usage_bytes, cpu_usage, health FROM session_metrics \
      WHERE session_id = ?
      """)
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return MetricsRow() }
    var row = statement.row
    return try read(&row)
  }

  static func read(_ row: inout Row) throws(StorageFailure) -> MetricsRow {
    var metrics = MetricsRow()
    metrics.processed.messages = row.integer()
    metrics.processed.tasks = row.integer()
    metrics.usage.memoryBytes = row.integer()
    metrics.usage.cpu = row.double()
    guard let health = HealthStatus(rawValue: Int32(clamping: row.integer())) else { throw SessionRow.damaged }
    metrics.health = health
    return metrics
  }

  /// Saves the row of a session, if that is still there.
  func save(_ id: SessionID, in database: Database) throws(StorageFailure) {
    let statement = try database.statement(
      """
      INSERT OR REPLACE INTO session_metrics (session_id, messages_processed, tasks_processed, memory_usage_bytes, \
      cpu_usage, health) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)
      """)
    statement.bind(id)
    statement.bind(processed.messages)
    statement.bind(processed.tasks)
    statement.bind(usage.memoryBytes)
    statement.bind(usage.cpu)
    statement.bind(Int64(health.rawValue))
    try statement.run()
  }

  static func remove(_ id: SessionID, in database: Database) throws(StorageFailure) {
    let statement = try database.statement("DELETE FROM session_metrics WHERE session_id = ?")
    statement.bind(id)
    try statement.run()
  }
}
