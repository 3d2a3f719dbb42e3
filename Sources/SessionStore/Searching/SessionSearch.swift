import SessionDomain

/// Finds sessions by a piece of their name, workspace, id or type.
struct SessionSearch: Sendable {
  private let folded: String
  private let limit: Int

  /// Throws `invalidArgument` for a negative limit.
  init(_ text: String, limit: Int) throws(SessionError) {
    guard limit >= 0 else {
      throw .invalidArgument([FieldViolation(path: "limit", description: "a limit is not negative")])
    }
    self.limit = limit == 0 ? SessionQuery.pageSizeDefault : min(limit, SessionQuery.pageSizeMax)
    folded = SearchText.folded(text)
  }

  /// Searches in memory where that has all texts, and in the file where not. The connection is in a transaction. Throws
  /// `pageTooLarge`, as there is no next page.
  func run(_ database: Database, _ memory: SearchMemory) throws(SessionError) -> [Session] {
    let (sessions, bytes) = try storing { () throws(StorageFailure) in
      if let sought = SoughtText(folded), let column = try memory.begin(database) {
        try database.sessions(
          column.latest(limit, matching: sought, look: database.checkProgress), bytesMax: PageSize.bytesMax)
      } else {
        try database.sessions(statement, bytesMax: PageSize.bytesMax)
      }
    }
    // The last one may go over it.
    guard bytes < PageSize.bytesMax || sessions.count == 1 else { throw .pageTooLarge(bytesMax: PageSize.bytesMax) }
    return sessions
  }

  /// Reads the latest sessions until enough match.
  var statement: SQLFragment {
    """
    SELECT \(SessionRow.selection) FROM sessions\(test) \
    ORDER BY last_activity_time DESC, id LIMIT \(.integer(Int64(limit)))
    """
  }

  private var test: SQLFragment {
    guard let sought = SoughtText(folded) else { return "" }
    let types = sought.types.sorted { $0.rawValue < $1.rawValue }
    // The sign keeps SQLite from the index of types, as any session may match.
    return """
       WHERE matches_text(\(.text(folded)), name, workspace, id)\
      \(types.map { " OR +type = \(.integer(Int64($0.rawValue)))" as SQLFragment }.joined(separator: ""))
      """
  }
}

extension Database {
  /// The sessions that a statement gives whose first columns are those of a session, up to the one that brings their
  /// texts to `bytesMax`.
  func sessions(
    _ fragment: SQLFragment, bytesMax: Int = .max
  ) throws(StorageFailure) -> (sessions: [Session], bytes: Int) {
    let statement = try bound(fragment)
    defer { statement.reset() }
    var sessions: [Session] = []
    var bytes = 0
    while bytes < bytesMax, try statement.step() {
      var row = statement.row
      sessions.append(try SessionRow.read(&row))
      bytes += row.contentBytes
    }
    return (sessions, bytes)
  }

  /// These sessions, in this order, up to the one that brings their texts to `bytesMax`.
  func sessions(
    _ ids: [SessionID], bytesMax: Int
  ) throws(StorageFailure) -> (sessions: [Session], bytes: Int) {
    var sessions: [Session] = []
    var bytes = 0
    for id in ids where bytes < bytesMax {
      let found = try self.sessions(SessionLookup.statement(of: id))
      guard let session = found.sessions.first else { throw SessionRow.damaged }
      sessions.append(session)
      bytes += found.bytes
    }
    return (sessions, bytes)
  }

  /// The statement of a fragment, its values bound.
  func bound(_ fragment: SQLFragment) throws(StorageFailure) -> Statement {
    let statement = try statement(fragment.sql)
    for value in fragment.bindings { statement.bind(value) }
    return statement
  }
}
