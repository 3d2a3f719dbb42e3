import SessionDomain

/// Brings the indexes of metadata to those that are wanted. Which there are, the database's own schema tells.
///
/// Two for each place, for the two orders that lists most often have, with the id, by which ties are broken. Types and
/// statuses stand behind it, so that a list narrowed by them, too, reads no rows in vain; they cost nothing more, as
/// every update writes the metadata and so its indexes anew.
struct MetadataIndexSchema {
  /// What tells their names from those of other indexes; the rest is the field as conditions write it, its capitals
  /// marked.
  private static let prefix = "sessions_by_metadata"

  private struct Index: Hashable {
    let name: SpelledText
    let sql: SpelledText
  }

  let database: Database

  /// Builds what is missing and drops what is not wanted, in one transaction.
  func update(to indexes: MetadataIndexes, report: (StoreNotice) -> Void) throws(StorageFailure) {
    let wanted = indexes.paths.flatMap(Self.indexes)
    let found = try existing()
    let unwanted = found.filter { !wanted.contains($0) }
    let missing = wanted.filter { !found.contains($0) }
    guard !unwanted.isEmpty || !missing.isEmpty else { return }
    let sessions = missing.isEmpty ? 0 : try database.integer("SELECT count(*) FROM sessions") ?? 0
    try Migrator.sorting(database) { () throws(StorageFailure) in
      try replace(unwanted, with: missing) { report(.buildingIndex(name: $0, sessions: sessions)) }
    }
    for index in unwanted { report(.droppedIndex(name: index.name.text)) }
    for index in missing { report(.builtIndex(name: index.name.text)) }
  }

  private func replace(
    _ unwanted: [Index], with missing: [Index], willBuild: (String) -> Void
  ) throws(StorageFailure) {
    try database.execute("BEGIN IMMEDIATE")
    do throws(StorageFailure) {
      for index in unwanted { try database.execute("DROP INDEX \(SQLFragment(identifier: index.name.text).sql)") }
      for index in missing {
        willBuild(index.name.text)
        try database.execute(index.sql.text)
      }
      try database.execute("COMMIT")
    } catch {
      if !database.isIdle { try database.execute("ROLLBACK") }
      throw error
    }
  }

  private static func indexes(of path: MetadataPath) -> [Index] {
    let value = FieldSQL(path.field, indexes: MetadataIndexes([path])).value
    return ["create_time", "last_activity_time"].map { column in
      let name = "\(prefix): \(marked("\(path.field)")) by \(column)"
      let sql = """
        CREATE INDEX \(SQLFragment(identifier: name).sql) \
        ON sessions (\(value.sql), \(column), id, type, status)
        """
      return Index(name: SpelledText(name), sql: SpelledText(sql))
    }
  }

  /// The text with a mark before each capital letter of ASCII and each mark, so that no two texts differ in their case
  /// only: SQLite takes two such names for one.
  private static func marked(_ text: String) -> String {
    var marked = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if ("A"..."Z").contains(scalar) || scalar == "^" { marked.append("^") }
      marked.append(scalar)
    }
    return String(marked)
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
      indexes.append(Index(name: SpelledText(row.text()), sql: SpelledText(row.text())))
    }
    return indexes
  }
}
