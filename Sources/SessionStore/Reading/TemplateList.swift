import SessionDomain

/// A page of templates as a statement, checked; made on the caller's thread, run on a reader's.
struct TemplateList: Sendable {
  private let lastName: String?
  private let pageSize: Int

  /// Throws `invalidArgument`, `pageTokenInvalid`.
  init(pageSize: Int, pageToken: String) throws(SessionError) {
    guard pageSize >= 0 else { throw .invalidArgument([.negativePageSize]) }
    self.pageSize = PageSize.effective(pageSize)
    guard !pageToken.isEmpty else {
      lastName = nil
      return
    }
    guard let token = PageToken(pageToken), token.fingerprint == Self.fingerprint, token.values.count == 1,
      case .text(let name) = token.values[0]
    else { throw .pageTokenInvalid }
    lastName = name
  }

  func run(_ database: Database) throws(StorageFailure) -> TemplatePage {
    let statement = try database.bound(statement)
    defer { statement.reset() }
    var page = TemplatePage(templates: [], nextPageToken: "")
    var bytes = 0
    while try statement.step() {
      if page.templates.count == pageSize || bytes >= PageSize.bytesMax, let last = page.templates.last {
        page.nextPageToken = PageToken(fingerprint: Self.fingerprint, values: [.text(last.name)]).text
        break
      }
      var row = statement.row
      page.templates.append(try TemplateRow.read(&row))
      bytes += row.contentBytes
    }
    return page
  }

  /// Reads one row more than the page has. Names are not empty, so that all of them come after the empty one.
  var statement: SQLFragment {
    """
    SELECT \(TemplateRow.selection) FROM templates WHERE name > \(.text(lastName ?? "")) \
    ORDER BY name LIMIT \(.integer(Int64(pageSize) + 1))
    """
  }

  /// Tells the tokens of this list from those of others.
  private static let fingerprint: UInt64 = {
    var hash = StableHash()
    hash.combine("templates")
    return hash.value
  }()
}

/// What all lists make of a page's size.
enum PageSize {
  /// A page ends with the entry that brings its texts to so many bytes, and has one at least: an entry may have a
  /// megabyte of them, and stock clients take 4 MiB.
  static let bytesMax = 2 << 20

  static func effective(_ size: Int) -> Int {
    size == 0 ? SessionQuery.pageSizeDefault : min(size, SessionQuery.pageSizeMax)
  }
}
