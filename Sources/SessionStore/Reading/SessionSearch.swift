import SessionDomain

/// Finds sessions by a piece of their name, workspace, id or type.
struct SessionSearch: Sendable {
  private let statement: SQLFragment

  /// Throws `invalidArgument` for a negative limit.
  init(_ text: String, limit: Int) throws(SessionError) {
    guard limit >= 0 else {
      throw .invalidArgument([FieldViolation(path: "limit", description: "a limit is not negative")])
    }
    let limit = limit == 0 ? SessionQuery.pageSizeDefault : min(limit, SessionQuery.pageSizeMax)
    let folded = SearchText.folded(text)
    statement = """
      SELECT \(SessionRow.selection) FROM sessions\(Self.test(folded)) \
      ORDER BY last_activity_time DESC, id LIMIT \(.integer(Int64(limit)))
      """
  }

  /// Throws `pageTooLarge`, as there is no next page.
  func run(_ database: Database) throws(SessionError) -> [Session] {
    let (sessions, bytes) = try storing { () throws(StorageFailure) in
      try database.sessions(statement, bytesMax: PageSize.bytesMax)
    }
    // The last one may go over it.
    guard bytes < PageSize.bytesMax || sessions.count == 1 else { throw .pageTooLarge(bytesMax: PageSize.bytesMax) }
    return sessions
  }

  private static func test(_ folded: String) -> SQLFragment {
    guard !folded.isEmpty else { return "" }
    let types = SessionType.allCases.filter { type in
      type.description.utf8.count >= folded.utf8.count && type.description.contains(folded)
    }
    return """
       WHERE matches_text(\(.text(folded)), name, workspace, id)\
      \(types.map { " OR type = \(.integer(Int64($0.rawValue)))" as SQLFragment }.joined(separator: ""))
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

  /// The statement of a fragment, its values bound.
  func bound(_ fragment: SQLFragment) throws(StorageFailure) -> Statement {
    let statement = try statement(fragment.sql)
    for value in fragment.bindings { statement.bind(value) }
    return statement
  }
}
