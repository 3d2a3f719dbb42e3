import SessionDomain

/// Which sessions a list has, in the forms in which SQLite finds them by index.
struct ListFilter: Sendable {
  /// The most values in the parts of a list; where they would have more, one test is left to find all.
  private static let bindingsMax = 1024

  /// True of the sessions that the list has.
  let test: SQLFragment
  /// The same in parts of which at most one is true of a session. An index gives the sessions of each part in the
  /// list's order, so that merging them takes no sorting.
  let parts: [SQLFragment]
  /// How many sessions there are as the totals know it, where they do.
  let counted: Counted?

  /// Sessions that the totals count.
  enum Counted: Sendable {
    case types(Set<SessionType>)
    case statuses(Set<SessionStatus>)
  }

  init(_ query: SessionQuery, indexes: MetadataIndexes) {
    let narrowing = Narrowing(query)
    let condition = narrowing.remainder.map { SQLFragment(CompiledCondition($0, indexes: indexes)) }
    let (types, statuses) = (narrowing.types, narrowing.statuses)
    let isOpen = types.count == SessionType.allCases.count && statuses.count == SessionStatus.allCases.count
    counted = condition == nil ? Self.counted(types, statuses) : nil
    if types.isEmpty || statuses.isEmpty {
      test = "FALSE"
      parts = [test]
    } else if isOpen {
      test = condition ?? "TRUE"
      parts = [test]
    } else if let condition, narrowing.hasSeek(indexes) {
      // The sign keeps SQLite from the indexes of types: it takes two tests to tell more than one.
      test = "\(condition) AND +type IN (\(marks(types))) AND +status IN (\(marks(statuses)))"
      parts = [test]
    } else {
      let first = condition.map { "\($0) AND " as SQLFragment } ?? ""
      test = "\(first)type IN (\(marks(types))) AND status IN (\(marks(statuses)))"
      let isMerged =
        Self.isIndexed(query.order)
        && types.count * statuses.count * (first.bindings.count + 2) <= Self.bindingsMax
      parts = isMerged ? Self.parts(first, types, statuses) : [test]
    }
  }

  /// What the totals, which know types and statuses but no pairs of them, can tell.
  private static func counted(_ types: Set<SessionType>, _ statuses: Set<SessionStatus>) -> Counted? {
    if statuses.count == SessionStatus.allCases.count { return .types(types) }
    if types.count == SessionType.allCases.count { return .statuses(statuses) }
    return nil
  }

  /// Whether the indexes of types and statuses go on in this order.
  private static func isIndexed(_ order: [SessionOrder]) -> Bool {
    guard let first = order.first else { return true }
    guard first.field == .createTime || first.field == .lastActivityTime else { return false }
    return order.count == 1 || order.count == 2 && order[1] == SessionOrder(.id)
  }

  private static func parts(
    _ first: SQLFragment, _ types: Set<SessionType>, _ statuses: Set<SessionStatus>
  ) -> [SQLFragment] {
    types.sorted { $0.rawValue < $1.rawValue }.flatMap { type in
      statuses.sorted { $0.rawValue < $1.rawValue }.map { status in
        let (type, status) = (SQLValue.integer(Int64(type.rawValue)), SQLValue.integer(Int64(status.rawValue)))
        return "\(first)type = \(type) AND status = \(status)"
      }
    }
  }
}

extension Totals {
  /// How many sessions are one of these.
  func count(_ counted: ListFilter.Counted) -> Int64 {
    switch counted {
    case .types(let types): types.reduce(0) { $0 + count($1) }
    case .statuses(let statuses): statuses.reduce(0) { $0 + count($1) }
    }
  }
}

/// What a query says of types and statuses, in its lists and in its condition, and what else the condition says.
private struct Narrowing {
  private(set) var types: Set<SessionType>
  private(set) var statuses: Set<SessionStatus>
  private var rest: [Condition] = []

  init(_ query: SessionQuery) {
    types = Set(query.types.isEmpty ? SessionType.allCases : query.types)
    statuses = Set(query.statuses.isEmpty ? SessionStatus.allCases : query.statuses)
    if let condition = query.condition { take(condition) }
  }

  private mutating func take(_ condition: Condition) {
    switch condition {
    case .all(let terms): for term in terms { take(term) }
    case .test(.compare(.type, .equal, .type(let type))): types.formIntersection([type])
    case .test(.compare(.status, .equal, .status(let status))): statuses.formIntersection([status])
    case .test(.isIn(.type, let operands)):
      if let wanted = Self.all(operands, \.type) { types.formIntersection(wanted) } else { rest.append(condition) }
    case .test(.isIn(.status, let operands)):
      if let wanted = Self.all(operands, \.status) { statuses.formIntersection(wanted) } else { rest.append(condition) }
    case .any, .not, .test: rest.append(condition)
    }
  }

  private static func all<Value>(
    _ operands: [ConditionOperand], _ value: (ConditionOperand) -> Value?
  ) -> [Value]? {
    let values = operands.compactMap(value)
    return values.count == operands.count ? values : nil
  }

  /// What else the condition says; nil for nothing.
  var remainder: Condition? { rest.isEmpty ? nil : .all(rest) }

  /// Whether the condition wants one value of a field whose index serves orders, too, or of the id.
  func hasSeek(_ indexes: MetadataIndexes) -> Bool {
    rest.contains { condition in
      switch condition {
      case .test(.compare(let field, .equal, _)), .test(.isIn(let field, _)): Self.isSought(field, indexes)
      case .all, .any, .not, .test: false
      }
    }
  }

  private static func isSought(_ field: SessionField, _ indexes: MetadataIndexes) -> Bool {
    switch field {
    case .id, .parentID: true
    case .metadata(let keys): indexes.contains(keys)
    case .type, .name, .status, .workspace, .templateName, .clonedFrom, .statusReason, .createTime, .updateTime,
      .startTime, .endTime, .lastActivityTime, .revision, .environment:
      false
    }
  }
}

extension ConditionOperand {
  fileprivate var type: SessionType? {
    if case .type(let type) = self { type } else { nil }
  }

  fileprivate var status: SessionStatus? {
    if case .status(let status) = self { status } else { nil }
  }
}

/// The numbers of types or statuses as a list of marks, in order.
private func marks<Value: RawRepresentable<Int32>>(_ values: Set<Value>) -> SQLFragment {
  values.map(\.rawValue).sorted().map { "\(.integer(Int64($0)))" as SQLFragment }.joined(separator: ", ")
}
