import CSQLite
import SessionDomain

@testable import SessionStore

/// What SQLite had to say against a statement.
struct TableError: Error, CustomStringConvertible {
  let description: String
}

/// The `sessions` table of a database in memory, with the columns that conditions read.
final class ConditionTable {
  private let handle: OpaquePointer

  init() throws {
    var handle: OpaquePointer?
    let code = sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    guard code == SQLITE_OK, let handle else { throw TableError(description: "open: \(code)") }
    self.handle = handle
    _ = try rows(
      """
      CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, type INTEGER NOT NULL, status INTEGER NOT NULL,
        name TEXT NOT NULL, workspace TEXT NOT NULL, metadata TEXT NOT NULL, capabilities TEXT NOT NULL,
        constraints TEXT NOT NULL, environment TEXT NOT NULL, parent_id TEXT, template_name TEXT, cloned_from TEXT,
        status_reason TEXT, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL, start_time INTEGER,
        end_time INTEGER, last_activity_time INTEGER NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID
      """)
  }

  deinit {
    sqlite3_close(handle)
  }

  func insert(_ row: ConditionRow) throws {
    let columns = row.columns.sorted { $0.key < $1.key }
    let names = columns.map(\.key).joined(separator: ", ")
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    _ = try rows("INSERT INTO sessions (\(names)) VALUES (\(marks))", columns.map(\.value))
  }

  /// What the condition is for each session, by id; nil for unknown.
  func truths(_ condition: Condition) throws -> [Bool?] {
    let compiled = CompiledCondition(condition)
    return try rows("SELECT \(compiled.sql) FROM sessions ORDER BY id", compiled.bindings).map { row in
      switch row[0] {
      case .null: nil
      case .integer(let truth): truth != 0
      case .real, .text: throw TableError(description: "\(row[0]) is no truth value: \(compiled.sql)")
      }
    }
  }

  /// The names of the sessions that match, by id.
  func names(where text: String, _ parameters: [ConditionValue] = []) throws -> [String] {
    let compiled = CompiledCondition(try Condition.parse(text, parameters: parameters))
    return try rows("SELECT name FROM sessions WHERE \(compiled.sql) ORDER BY id", compiled.bindings).map(Self.text)
  }

  /// The names of all sessions, ordered by a field and by id.
  func names(orderedBy field: String, descending: Bool = false) throws -> [String] {
    let order = CompiledOrder(try OrderField.parse(field))
    let direction = descending ? "DESC" : "ASC"
    return try rows("SELECT name FROM sessions ORDER BY \(order.sql) \(direction), id", order.bindings).map(Self.text)
  }

  /// The last column of each row of SQLite's plan, which says how a table is read.
  func plan(_ sql: String, _ bindings: [SQLValue]) throws -> [String] {
    try rows("EXPLAIN QUERY PLAN \(sql)", bindings).map { row in Self.text([row[3]]) }
  }

  /// Runs one statement.
  func rows(_ sql: String, _ bindings: [SQLValue] = []) throws -> [[SQLValue]] {
    var prepared: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &prepared, nil) == SQLITE_OK, let prepared else {
      throw TableError(description: "\(String(cString: sqlite3_errmsg(handle))): \(sql)")
    }
    let statement = Statement(prepared)
    guard Int(sqlite3_bind_parameter_count(prepared)) == bindings.count else {
      throw TableError(description: "\(bindings.count) values for \(sql)")
    }
    for binding in bindings { statement.bind(binding) }
    var rows: [[SQLValue]] = []
    while try statement.step() {
      var row = statement.row
      rows.append((0..<sqlite3_column_count(prepared)).map { _ in row.value() })
    }
    return rows
  }

  private static func text(_ row: [SQLValue]) -> String {
    if case .text(let text) = row[0] { text } else { "\(row[0])" }
  }
}
