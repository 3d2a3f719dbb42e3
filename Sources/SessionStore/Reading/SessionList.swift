import SessionDomain

/// A query as statements, checked and bound; made on the caller's thread, run on a reader's.
struct SessionList: Sendable {
  private let filter: ListFilter
  private let terms: [OrderTerm]
  private let cursor: [SQLValue]?
  private let pageSize: Int
  private let offset: Int64
  private let isNumbered: Bool
  private let includeTotal: Bool
  private let fingerprint: UInt64

  /// Throws `invalidArgument` with every violation, and `pageTokenInvalid`.
  init(_ query: SessionQuery, indexes: MetadataIndexes) throws(SessionError) {
    let violations = query.violations()
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    filter = ListFilter(query, indexes: indexes)
    terms = Self.terms(query.order, indexes)
    pageSize = PageSize.effective(query.pageSize)
    let (offset, overflow) = Int64(max(0, query.page - 1)).multipliedReportingOverflow(by: Int64(pageSize))
    self.offset = overflow ? .max : offset
    isNumbered = query.page > 0
    includeTotal = query.includeTotal
    fingerprint = Self.fingerprint(query)
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
    let rows = filter.parts.map { part -> SQLFragment in
      let test = cursor.map { "(\(part)) AND \(OrderTerm.rows(after: $0, in: terms))" as SQLFragment } ?? part
      return "SELECT \(SessionRow.selection)\(values) FROM sessions WHERE \(test)"
    }
    return """
      \(rows.joined(separator: " UNION ALL ")) \
      ORDER BY \(order) LIMIT \(.integer(Int64(pageSize) + 1)) OFFSET \(.integer(offset))
      """
  }

  /// The statement that counts, where the totals do not tell.
  var totalStatement: SQLFragment { "SELECT count(*) FROM sessions WHERE \(filter.test)" }

  private func total(_ database: Database) throws(StorageFailure) -> Int64 {
    if let counted = filter.counted { return try Totals.read(database).count(counted) }
    let statement = try database.bound(totalStatement)
    defer { statement.reset() }
    guard try statement.step() else { return 0 }
    var row = statement.row
    return row.integer()
  }
}

extension SessionList {
  private static func terms(_ order: [SessionOrder], _ indexes: MetadataIndexes) -> [OrderTerm] {
    let order = order.isEmpty ? [SessionOrder(.createTime)] : order
    var terms: [OrderTerm] = []
    for field in order {
      terms.append(OrderTerm(field, indexes: indexes))
      // Nothing is left to order after the id.
      if field.field == .id { return terms }
    }
    return terms + [OrderTerm(SessionOrder(.id), indexes: indexes)]
  }

  /// Tells the tokens of this query from those of others, whatever is indexed.
  private static func fingerprint(_ query: SessionQuery) -> UInt64 {
    var hash = StableHash()
    hash.combine(ListFilter(query, indexes: .none).test)
    for term in terms(query.order, .none) { hash.combine(term.order) }
    hash.combine(query.includeTotal ? 1 : 0)
    return hash.value
  }
}
