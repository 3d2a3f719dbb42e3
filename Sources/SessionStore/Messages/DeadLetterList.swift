import SessionDomain

/// A page of dead letters as a statement, checked; made on the caller's thread, run on a reader's.
struct DeadLetterList: Sendable {
  private let sessionID: SessionID?
  private let after: Int64
  private let pageSize: Int

  /// Throws `invalidArgument`, `pageTokenInvalid`.
  init(of sessionID: SessionID?, pageSize: Int, pageToken: String) throws(SessionError) {
    guard pageSize >= 0 else { throw .invalidArgument([.negativePageSize]) }
    self.sessionID = sessionID
    self.pageSize = PageSize.effective(pageSize)
    guard !pageToken.isEmpty else {
      after = 0
      return
    }
    guard let token = PageToken(pageToken), token.fingerprint == Self.fingerprint(sessionID), token.values.count == 1,
      case .integer(let number) = token.values[0]
    else { throw .pageTokenInvalid }
    after = number
  }

  func run(_ database: Database) throws(StorageFailure) -> DeadLetterPage {
    let statement = try database.bound(statement)
    defer { statement.reset() }
    var page = DeadLetterPage(deadLetters: [], nextPageToken: "")
    var last: Int64 = 0
    var bytes = 0
    while try statement.step() {
      if page.deadLetters.count == pageSize || bytes >= PageSize.bytesMax {
        page.nextPageToken = PageToken(fingerprint: Self.fingerprint(sessionID), values: [.integer(last)]).text
        break
      }
      var row = statement.row
      last = row.integer()
      let reason = row.text()
      let time = Timestamp(microseconds: row.integer())
      page.deadLetters.append(DeadLetter(message: try MessageRow.read(&row), reason: reason, time: time))
      bytes += row.contentBytes
    }
    return page
  }

  /// Reads one row more than the page has.
  var statement: SQLFragment {
    let test: SQLFragment = sessionID.map { "receiver_id = \(.text($0.description)) AND " } ?? ""
    return """
      SELECT number, reason, time, \(MessageRow.selection) FROM dead_letters \
      WHERE \(test)number > \(.integer(after)) ORDER BY number LIMIT \(.integer(Int64(pageSize) + 1))
      """
  }

  /// Tells the tokens of this list from those of others.
  private static func fingerprint(_ sessionID: SessionID?) -> UInt64 {
    var hash = StableHash()
    hash.combine("dead letters")
    hash.combine(sessionID?.description ?? "")
    return hash.value
  }
}
