import SessionDomain

/// A query as statements, checked and bound; made on the caller's thread, run on a reader's.
struct SessionList: Sendable {
  private let filter: SQLFragment
  private let terms: [OrderTerm]
  private let cursor: [SQLValue]?
  private let pageSize: Int
  private let offset: Int64
  private let isNumbered: Bool
  private let includeTotal: Bool
  private let fingerprint: UInt64

  /// Throws `invalidArgument` with every violation, and `pageTokenInvalid`.
  init(_ query: SessionQuery) throws(SessionError) {
    let violations = query.violations()
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    filter = Self.filter(query)
    terms = Self.terms(query.order)
    pageSize = PageSize.effective(query.pageSize)
    let (offset, overflow) = Int64(max(0, query.page - 1)).multipliedReportingOverflow(by: Int64(pageSize))
    self.offset = overflow ? .max : offset
    isNumbered = query.page > 0
    includeTotal = query.includeTotal
    fingerprint = Self.fingerprint(filter, terms, includeTotal: query.includeTotal)
    guard !query.pageToken.isEmpty else {
      cursor = nil
      return
    }
    guard let token = PageToken(query.pageToken), token.fingerprint == fingerprint, token.values.count == terms.count
    else { throw .pageTokenInvalid }
    cursor = token.values
  }

  /// Reads the page. The connection is in a transaction, so that everything agrees. Throws `pageTooLarge` for a page by
  /// its number, which cannot end early: the next would begin too late.
  func run(_ database: Database) throws(SessionError) -> SessionPage {
    let page = try storing { () throws(StorageFailure) in try read(database) }
    let isCut = page.sessions.count < pageSize && !page.nextPageToken.isEmpty
    guard !isCut || !isNumbered else { throw .pageTooLarge(bytesMax: PageSize.bytesMax) }
    return page
  }

  private func read(_ database: Database) throws(StorageFailure) -> SessionPage {
    let sequence = try database.integer("SELECT sequence FROM totals WHERE id = 1") ?? 0
    let statement = try database.bound(pageStatement)
    defer { statement.reset() }
    var sessions: [Session] = []
    var bytes = 0
    var last: [SQLValue]?
    var hasMore = false
    while try statement.step() {
      guard last == nil else {
        hasMore = true
        break
      }
      var row = statement.row
      sessions.append(try SessionRow.read(&row))
      bytes += row.contentBytes
      if sessions.count == pageSize || bytes >= PageSize.bytesMax { last = terms.map { _ in row.value() } }
    }
    return SessionPage(
      sessions: sessions, nextPageToken: hasMore ? PageToken(fingerprint: fingerprint, values: last ?? []).text : "",
      totalSize: includeTotal ? try total(database) : nil, sequence: sequence)
  }

  /// The page's statement, which reads one row more than the page has.
  var pageStatement: SQLFragment {
    let values = terms.map { ", \($0.value)" as SQLFragment }.joined(separator: "")
    let order = terms.map(\.order).joined(separator: ", ")
    let test = cursor.map { "(\(filter)) AND \(OrderTerm.rows(after: $0, in: terms))" as SQLFragment } ?? filter
    return """
      SELECT \(SessionRow.selection)\(values) FROM sessions WHERE \(test) \
      ORDER BY \(order) LIMIT \(.integer(Int64(pageSize) + 1)) OFFSET \(.integer(offset))
      """
  }

  private func total(_ database: Database) throws(StorageFailure) -> Int64 {
    let statement = try database.bound("SELECT count(*) FROM sessions WHERE \(filter)")
    defer { statement.reset() }
    guard try statement.step() else { return 0 }
    var row = statement.row
    return row.integer()
  }
}

extension SessionList {
  /// The condition comes first: SQLite's parser keeps less on its stack for what stands on the left.
  private static func filter(_ query: SessionQuery) -> SQLFragment {
    var tests: [SQLFragment] = []
    if let condition = query.condition {
      let compiled = CompiledCondition(condition)
      tests.append(SQLFragment(compiled))
    }
    if !query.types.isEmpty { tests.append("type IN (\(marks(query.types.map(\.rawValue))))") }
    if !query.statuses.isEmpty { tests.append("status IN (\(marks(query.statuses.map(\.rawValue))))") }
    return tests.isEmpty ? "TRUE" : tests.joined(separator: " AND ")
  }

  private static func marks(_ numbers: [Int32]) -> SQLFragment {
    Set(numbers).sorted().map { "\(.integer(Int64($0)))" as SQLFragment }.joined(separator: ", ")
  }

  private static func terms(_ order: [SessionOrder]) -> [OrderTerm] {
    let order = order.isEmpty ? [SessionOrder(.createTime)] : order
    var terms: [OrderTerm] = []
    for field in order {
      terms.append(OrderTerm(field))
      // Nothing is left to order after the id.
      if field.field == .id { return terms }
    }
    return terms + [OrderTerm(SessionOrder(.id))]
  }

  private static func fingerprint(_ filter: SQLFragment, _ terms: [OrderTerm], includeTotal: Bool) -> UInt64 {
    var hash = StableHash()
    hash.combine(filter)
    for term in terms { hash.combine(term.order) }
    hash.combine(includeTotal ? 1 : 0)
    return hash.value
  }
}
