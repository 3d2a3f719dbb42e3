import SessionDomain

/// One expression that orders a list. As in SQLite, NULL is less than anything.
struct OrderTerm: Sendable {
  let value: SQLFragment
  private let isDescending: Bool
  private let canBeNull: Bool

  init(_ order: SessionOrder, indexes: MetadataIndexes) {
    value = SQLFragment(CompiledOrder(order.field, indexes: indexes))
    isDescending = order.isDescending
    canBeNull =
      switch order.field {
      case .id, .type, .name, .status, .workspace, .createTime, .updateTime, .lastActivityTime, .revision: false
      case .parentID, .templateName, .clonedFrom, .statusReason, .startTime, .endTime, .metadata, .environment: true
      }
  }

  var order: SQLFragment { isDescending ? "\(value) DESC" : "\(value)" }

  /// True for the rows that come after the one with these values: greater in the first term, or equal in it and
  /// greater in the second, and so on.
  static func rows(after cursor: [SQLValue], in terms: [OrderTerm]) -> SQLFragment {
    var alternatives: [SQLFragment] = []
    var equal: [SQLFragment] = []
    for (term, last) in zip(terms, cursor) {
      alternatives.append("(\((equal + [term.isAfter(last)]).joined(separator: " AND ")))")
      equal.append("\(term.value) IS \(last)")
    }
    let rows: SQLFragment = "(\(alternatives.joined(separator: " OR ")))"
    // Implied by the rest, and what lets an index seek to the place.
    guard let first = terms.first, let last = cursor.first, let bound = first.isNotBefore(last) else { return rows }
    return "\(bound) AND \(rows)"
  }

  private func isAfter(_ last: SQLValue) -> SQLFragment {
    switch (isDescending, last) {
    case (false, .null): "\(value) IS NOT NULL"
    case (false, _): "\(value) > \(last)"
    case (true, .null): "FALSE"
    case (true, _): canBeNull ? "(\(value) < \(last) OR \(value) IS NULL)" : "\(value) < \(last)"
    }
  }

  private func isNotBefore(_ last: SQLValue) -> SQLFragment? {
    guard last != .null else { return nil }
    guard isDescending else { return "\(value) >= \(last)" }
    return canBeNull ? nil : "\(value) <= \(last)"
  }
}

extension SQLFragment {
  init(_ order: CompiledOrder) {
    self.init(sql: order.sql, bindings: order.bindings)
  }

  init(_ condition: CompiledCondition) {
    self.init(sql: condition.sql, bindings: condition.bindings)
  }
}
