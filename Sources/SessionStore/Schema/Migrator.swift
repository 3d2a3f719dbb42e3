import SessionDomain

/// Opens the writing connection and brings the file to the schema of today.
enum Migrator {
  /// "sess" in ASCII: what tells our files from others (https://www.sqlite.org/pragma.html#pragma_application_id).
  static let applicationID: Int64 = 0x7365_7373

  private enum Found {
    case readOnly, foreign
    case ours(version: Int)
  }

  static func open(
    path: String, report: (StoreNotice) -> Void = { _ in }
  ) throws(StoreOpenError) -> Database {
    let database: Database
    let found: Found
    do throws(StorageFailure) {
      database = try Database(path: path, access: .readWrite)
      found = try inspect(database)
    } catch {
      throw StoreOpenError(error, path: path)
    }
    switch found {
    case .readOnly: throw .readOnly(path: path)
    case .foreign: throw .foreignDatabase(path: path)
    case .ours(let version):
      guard version <= Migrations.all.count else {
        throw .newerSchema(path: path, found: Int64(version), supported: Int64(Migrations.all.count))
      }
      do throws(StorageFailure) {
        try configure(database)
        try migrate(database, from: version, report)
      } catch {
        throw StoreOpenError(error, path: path)
      }
    }
    return database
  }

  private static func inspect(_ database: Database) throws(StorageFailure) -> Found {
    let application = try database.integer("PRAGMA application_id") ?? 0
    let version = try database.integer("PRAGMA user_version") ?? 0
    let tables = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
    let isEmpty = application == 0 && version == 0 && tables == 0
    guard isEmpty || application == applicationID, let version = Int(exactly: version), version >= 0 else {
      return .foreign
    }
    return database.isReadOnly ? .readOnly : .ours(version: version)
  }

  private static func configure(_ database: Database) throws(StorageFailure) {
    _ = try database.text("PRAGMA journal_mode = WAL")
    // A commit is on the disk when it is answered. The log is folded into the file every 1000 pages, SQLite's default,
    // and gives back what a long snapshot made it grow to.
    try database.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864")
    // A savepoint keeps the pages it touches in a temporary file as soon as they pass 64 KiB: writing that file cost
    // more than anything else in a create. It is as safe in memory, being of use only while the transaction is open.
    try database.execute(temporaryInMemory)
  }

  private static let temporaryInMemory = "PRAGMA temp_store = MEMORY"

  /// Runs what builds indexes, which sorts all rows: in a temporary file, as memory may have no room for them, and in
  /// memory where there is no place for one. `body` undoes what it did when it fails.
  static func sorting(_ database: Database, _ body: () throws(StorageFailure) -> Void) throws(StorageFailure) {
    do throws(StorageFailure) {
      try database.execute("PRAGMA temp_store = FILE")
      try body()
    } catch {
      try database.execute(temporaryInMemory)
      guard [.io, .full].contains(error.kind) else { throw error }
      return try body()
    }
    try database.execute(temporaryInMemory)
  }

  private static func migrate(
    _ database: Database, from version: Int, _ report: (StoreNotice) -> Void
  ) throws(StorageFailure) {
    let newest = Migrations.all.count
    guard version < newest else { return }
    // A new file has nothing that takes time.
    if version > 0 {
      let sessions = try database.integer("SELECT count(*) FROM sessions") ?? 0
      report(.migrating(from: version, to: newest, sessions: sessions))
    }
    try sorting(database) { () throws(StorageFailure) in try steps(database, from: version) }
    if version > 0 { report(.migrated(to: newest)) }
  }

  private static func steps(_ database: Database, from version: Int) throws(StorageFailure) {
    try database.execute("BEGIN IMMEDIATE")
    do throws(StorageFailure) {
      for step in Migrations.all[version...] { try database.execute(step) }
      try database.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(Migrations.all.count)")
      try database.execute("COMMIT")
    } catch {
      if !database.isIdle { try database.execute("ROLLBACK") }
      throw error
    }
  }
}
