/// Which sessions to list, in which order, and which page of them.
public struct SessionQuery: Sendable {
  /// The page size when none is asked for.
  public static let pageSizeDefault = 50
  /// How many fields can order a list.
  public static let orderFieldsMax = 16
  /// The largest page; larger requests get this.
  public static let pageSizeMax = 1000

  /// Any of these; empty means every type.
  public var types: [SessionType] = []
  /// Any of these; empty means every status.
  public var statuses: [SessionStatus] = []
  /// Only sessions that this is true of; nil for all.
  public var condition: Condition?
  /// What to order by, first to last, at most 16 fields; ties go by id ascending. Empty means the oldest first.
  public var order: [SessionOrder] = []
  /// Sessions on a page: 0 means 50, more than 1000 means 1000, negative is `invalidArgument`.
  public var pageSize = 0
  /// The token of the page before; empty for the first page. With every other field but `pageSize` unchanged.
  public var pageToken = ""
  /// The page's number from 1, instead of a token; 0 for none. Together with a token it is `invalidArgument`.
  public var page = 0
  /// Whether to count all that match.
  public var includeTotal = false

  /// Asks for the first page of all sessions, the oldest first.
  public init() {}
}

extension SessionQuery {
  /// What is wrong with it, in the order of the fields. Whether the token fits is the repository's to say.
  public func violations() -> [FieldViolation] {
    var violations: [FieldViolation] = []
    func refuse(_ path: String, _ description: String) {
      violations.append(FieldViolation(path: path, description: description))
    }
    if order.count > Self.orderFieldsMax { refuse("order_by", "at most \(Self.orderFieldsMax) fields order a list") }
    if pageSize < 0 { violations.append(.negativePageSize) }
    if page < 0 { refuse("page", "a page number is not negative") }
    if page > 0, !pageToken.isEmpty { refuse("page", "a page number does not go with a page token") }
    return violations
  }
}

extension FieldViolation {
  /// That a page cannot have fewer than no entries.
  public static let negativePageSize = FieldViolation(
    path: "page_size", description: "a page size is not negative")
}

/// One field to order by. What is missing comes first ascending, and last descending.
public struct SessionOrder: Hashable, Sendable {
  /// The field.
  public var field: SessionField
  /// Whether the greatest comes first.
  public var isDescending: Bool

  /// Makes an order.
  public init(_ field: SessionField, isDescending: Bool = false) {
    self.field = field
    self.isDescending = isDescending
  }
}

/// A page of sessions and what holds at the moment it was read.
public struct SessionPage: Sendable {
  /// The sessions, in order.
  public var sessions: [Session]
  /// The token of the next page; empty on the last.
  public var nextPageToken: String
  /// How many match in all, when that was asked for.
  public var totalSize: Int64?
  /// Every event up to this one is in the answer, and none after it.
  public var sequence: Int64

  /// Makes a page.
  public init(sessions: [Session], nextPageToken: String, totalSize: Int64?, sequence: Int64) {
    self.sessions = sessions
    self.nextPageToken = nextPageToken
    self.totalSize = totalSize
    self.sequence = sequence
  }
}
