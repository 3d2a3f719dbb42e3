import CSQLite

/// What the server's file holds, read beside the server: h2load counts HTTP statuses, which are 200 for failed calls,
/// too.
struct StoredSessions {
  let path: String

  func sessionCount() throws -> Int { try integer("SELECT count(*) FROM sessions") }

  func newestSequence() throws -> Int64 { Int64(try integer("SELECT max(sequence) FROM events")) }

  func oldestIDs(_ count: Int) throws -> [String] {
    try rows("SELECT id FROM sessions ORDER BY id LIMIT \(count)")
  }

  private func integer(_ sql: String) throws -> Int {
    guard let value = try rows(sql).first.flatMap({ Int($0) }) else { throw BenchmarkFailure("no answer to \(sql)") }
    return value
  }

  /// The first column of each row.
  private func rows(_ sql: String) throws -> [String] {
    var database: OpaquePointer?
    defer { sqlite3_close_v2(database) }
    var statement: OpaquePointer?
    guard sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK,
      sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK
    else { throw BenchmarkFailure("\(path): \(String(cString: sqlite3_errmsg(database)))") }
    defer { sqlite3_finalize(statement) }
    var rows: [String] = []
    while sqlite3_step(statement) == SQLITE_ROW {
      if let text = sqlite3_column_text(statement, 0) { rows.append(String(cString: text)) }
    }
    return rows
  }
}
