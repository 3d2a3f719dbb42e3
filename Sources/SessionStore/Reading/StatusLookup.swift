import SessionDomain

/// Finds all sessions in some statuses, by the index that has types before statuses.
enum StatusLookup {
  static func all(where isWanted: (SessionStatus) -> Bool, _ columns: SQLFragment) -> SQLFragment {
    let types = SessionType.allCases.map { "\(.integer(Int64($0.rawValue)))" as SQLFragment }
    let statuses = SessionStatus.allCases.filter(isWanted).map { "\(.integer(Int64($0.rawValue)))" as SQLFragment }
    return """
      SELECT \(columns) FROM sessions WHERE type IN (\(types.joined(separator: ", "))) \
      AND status IN (\(statuses.joined(separator: ", ")))
      """
  }
}
