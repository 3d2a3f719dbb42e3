import SessionDomain

/// Reads pages of the event log.
struct EventHistory: Sendable {
  /// The most a page holds.
  static let pageMax = 1000
  /// Sequences that one page looks through for events that match, unless they are found by their sessions.
  private static let scannedMax: Int64 = 100_000
  /// The same where they are found by their sessions, but not by all that the filter wants: only rows tell the rest.
  private static let narrowedMax: Int64 = 400_000
  /// Sessions whose events are found by index and merged.
  private static let mergedSessionsMax = 16

  let position: EventPosition
  let filter: EventFilter
  let limit: Int

  /// Reads the page. The connection is in a transaction, so that everything agrees.
  func run(_ database: Database) throws(SessionError) -> EventPage {
    let bounds = try storing { () throws(StorageFailure) in try Self.bounds(database) }
    let after: Int64
    switch position {
    case .oldest: after = bounds.oldest - 1
    case .after(let sequence):
      guard sequence <= bounds.newest else { throw .sequenceInFuture(newest: bounds.newest) }
      guard sequence >= bounds.oldest - 1 else { throw .sequenceCompacted(oldest: bounds.oldest) }
      after = sequence
    }
    let through = through(after: after, newest: bounds.newest)
    let limit = max(1, min(limit, Self.pageMax))
    let (events, isFull) = try storing { () throws(StorageFailure) in
      try Self.read(database, statement(after: after, through: through, limit: limit), limit: limit)
    }
    return EventPage(
      events: events, lastSequence: isFull ? events.last?.sequence ?? through : through,
      oldestSequence: bounds.oldest, newestSequence: bounds.newest)
  }

  /// The oldest event kept and the newest that was; the oldest is one more when none is kept.
  static func bounds(_ database: Database) throws(StorageFailure) -> (oldest: Int64, newest: Int64) {
    let newest = try database.integer("SELECT sequence FROM totals WHERE id = 1") ?? 0
    let oldest = try database.integer("SELECT sequence FROM events ORDER BY sequence LIMIT 1") ?? newest + 1
    return (oldest, newest)
  }

  /// The statement that reads a page.
  func statement(after: Int64, through: Int64, limit: Int) -> SQLFragment {
    let range: SQLFragment = "sequence > \(.integer(after)) AND sequence <= \(.integer(through))\(test)"
    let parts =
      isMerged
      ? filter.sessionIDs.sorted().map { "session_id = \(.text($0.description)) AND \(range)" as SQLFragment } : [range]
    let rows = parts.map { "SELECT \(EventRow.selection) FROM events WHERE \($0)" as SQLFragment }
    return "\(rows.joined(separator: " UNION ALL ")) ORDER BY sequence LIMIT \(.integer(Int64(limit)))"
  }

  /// The last sequence that a page looks at.
  func through(after: Int64, newest: Int64) -> Int64 {
    guard isMerged else { return min(newest, after + Self.scannedMax) }
    return filter.kinds.isEmpty && filter.types.isEmpty ? newest : min(newest, after + Self.narrowedMax)
  }

  private var isMerged: Bool { (1...Self.mergedSessionsMax).contains(filter.sessionIDs.count) }

  private static func read(
    _ database: Database, _ fragment: SQLFragment, limit: Int
  ) throws(StorageFailure) -> (events: [SessionEvent], isFull: Bool) {
    let statement = try database.bound(fragment)
    defer { statement.reset() }
    var events: [SessionEvent] = []
    var bytes = 0
    while bytes < PageSize.bytesMax, try statement.step() {
      var row = statement.row
      events.append(try EventRow.read(&row))
      bytes += row.contentBytes
    }
    return (events, events.count == limit || bytes >= PageSize.bytesMax)
  }

  /// Sets go in as one JSON list each, so that statements have few shapes.
  private var test: SQLFragment {
    var test: SQLFragment = ""
    if !filter.kinds.isEmpty {
      test.append(" AND kind IN \(Self.list(filter.kinds.map { .number(Double($0.rawValue)) }))")
    }
    if !filter.types.isEmpty {
      test.append(" AND session_type IN \(Self.list(filter.types.map { .number(Double($0.rawValue)) }))")
    }
    if !filter.sessionIDs.isEmpty, !isMerged {
      // The sign keeps SQLite from looking up each of many sessions, and from sorting what they have.
      test.append(" AND +session_id IN \(Self.list(filter.sessionIDs.map { .string($0.description) }))")
    }
    return test
  }

  private static func list(_ values: [JSONValue]) -> SQLFragment {
    "(SELECT value FROM json_each(\(.text(JSONValue.array(values).compactText))))"
  }
}
