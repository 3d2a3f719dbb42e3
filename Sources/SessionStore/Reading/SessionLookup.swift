import SessionDomain

/// Reads single sessions on any connection.
enum SessionLookup {
  private static let select = "SELECT \(SessionRow.columns) FROM sessions WHERE id = ?"

  static func statement(of id: SessionID) -> SQLFragment { SQLFragment(sql: select, bindings: [.text(id.description)]) }

  static func find(_ id: SessionID, in database: Database) throws(StorageFailure) -> Session? {
    let statement = try database.statement(select)
    defer { statement.reset() }
    statement.bind(id.description)
    guard try statement.step() else { return nil }
    var row = statement.row
    return try SessionRow.read(&row)
  }

  /// The parent of a session: nil when there is no such session, and nil inside when it has none.
  static func parent(of id: SessionID, in database: Database) throws(StorageFailure) -> SessionID?? {
    let statement = try database.statement("SELECT parent_id FROM sessions WHERE id = ?")
    defer { statement.reset() }
    statement.bind(id.description)
    guard try statement.step() else { return .none }
    var row = statement.row
    return .some(row.optionalText().flatMap { SessionID($0) })
  }

  static func exists(_ id: SessionID, in database: Database) throws(StorageFailure) -> Bool {
    try parent(of: id, in: database) != nil
  }
}
