import SessionDomain

/// What happens to the index of a place in the metadata when a store is opened.
public enum MetadataIndexing: Sendable {
  /// It is built, which takes a while where there are many sessions.
  case building(name: String, sessions: Int64)
  /// It is there.
  case built(name: String)
  /// It is gone, as nobody wants it any more.
  case dropped(name: String)
}

/// Brings the indexes of metadata to those that are wanted. Which there are, the database's own schema tells.
///
/// Two for each place, for the two orders that lists most often have, with the id, by which ties are broken. Types and
/// statuses stand behind it, so that a list narrowed by them, too, reads no rows in vain; they cost nothing more, as
/// every update writes the metadata and so its indexes anew.
struct MetadataIndexSchema {
  /// What tells their names from those of other indexes; the rest is the field as conditions write it.
  private static let prefix = "sessions_by_metadata"

  private struct Index {
    let name: String
    let sql: String
  }

  let database: Database

  /// Builds what is missing and drops what is not wanted, in one transaction.
  func update(to indexes: MetadataIndexes, report: (MetadataIndexing) -> Void) throws(StorageFailure) {
    let wanted = indexes.paths.flatMap(Self.indexes)
    let found = try existing()
    let unwanted = found.filter { index in !wanted.contains { $0.name == index.name && $0.sql == index.sql } }
    let missing = wanted.filter { index in !found.contains { $0.name == index.name && $0.sql == index.sql } }
    guard !unwanted.isEmpty || !missing.isEmpty else { return }
    let sessions = missing.isEmpty ? 0 : try database.integer("SELECT count(*) FROM sessions") ?? 0
    try database.execute("BEGIN IMMEDIATE")
    do throws(StorageFailure) {
      for index in unwanted { try database.execute("DROP INDEX \(SQLFragment(identifier: index.name).sql)") }
      for index in missing {
        report(.building(name: index.name, sessions: sessions))
        try database.execute(index.sql)
      }
      try database.execute("COMMIT")
    } catch {
      if !database.isIdle { try database.execute("ROLLBACK") }
      throw error
    }
    for index in unwanted { report(.dropped(name: index.name)) }
    for index in missing { report(.built(name: index.name)) }
  }

  private static func indexes(of path: MetadataPath) -> [Index] {
    let value = FieldSQL(path.field, indexes: MetadataIndexes([path])).value
    return ["create_time", "last_activity_time"].map { column in
      let name = "\(prefix): \(path.field) by \(column)"
      return Index(
        name: name,
        sql: """
          CREATE INDEX \(SQLFragment(identifier: name).sql) \
          ON sessions (\(value.sql), \(column), id, type, status)
          """)
    }
  }

  private func existing() throws(StorageFailure) -> [Index] {
    let statement = try database.bound(
      """
      SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'sessions' \
      AND substr(name, 1, \(.integer(Int64(Self.prefix.utf8.count)))) = \(.text(Self.prefix)) ORDER BY name
      """)
    defer { statement.reset() }
    var indexes: [Index] = []
    while try statement.step() {
      var row = statement.row
      indexes.append(Index(name: row.text(), sql: row.text()))
    }
    return indexes
  }
}
