import SessionDomain

/// A condition as an SQL expression over the columns of `sessions`, to stand after WHERE or AND.
struct CompiledCondition: Hashable, Sendable {
  let sql: String
  /// The values of the expression's `?` marks, in order.
  let bindings: [SQLValue]

  init(_ condition: Condition, indexes: MetadataIndexes = .none) {
    let fragment = ConditionTree(condition).sql(indexes)
    sql = fragment.sql
    bindings = fragment.bindings
  }
}

/// A field as an SQL expression to order by and to compare cursors with; never a blob.
///
/// Types and statuses are ordered as in the contract. In the metadata, numbers come before texts, false and true
/// count as 0 and 1, and arrays and objects as their text.
struct CompiledOrder: Hashable, Sendable {
  let sql: String
  /// The values of the expression's `?` marks, in order.
  let bindings: [SQLValue]

  init(_ field: SessionField, indexes: MetadataIndexes = .none) {
    let fragment = FieldSQL(field, indexes: indexes).value
    sql = fragment.sql
    bindings = fragment.bindings
  }
}

/// A condition without NOT above its tests and without AND in AND or OR in OR.
///
/// SQLite's parser keeps a stack of 100 entries, and every term to the right of an operator holds two of them for as
/// long as it is read. So the term that needs most comes first: deeply nested conditions then take one entry a level.
private indirect enum ConditionTree {
  case all([ConditionTree], stack: Int)
  case any([ConditionTree], stack: Int)
  case test(ConditionTest, negated: Bool)

  init(_ condition: Condition, negated: Bool = false) {
    switch (condition, negated) {
    case (.test(let test), _): self = .test(test, negated: negated)
    case (.not(let inner), _): self.init(inner, negated: !negated)
    case (.all(let terms), false), (.any(let terms), true):
      let flat = terms.flatMap { ConditionTree($0, negated: negated).conjuncts }.sorted { $0.stack > $1.stack }
      self = .all(flat, stack: Self.stack(of: flat))
    case (.any(let terms), false), (.all(let terms), true):
      let flat = terms.flatMap { ConditionTree($0, negated: negated).disjuncts }.sorted { $0.stack > $1.stack }
      self = .any(flat, stack: Self.stack(of: flat))
    }
  }

  private var conjuncts: [ConditionTree] {
    if case .all(let terms, _) = self { terms } else { [self] }
  }

  private var disjuncts: [ConditionTree] {
    if case .any(let terms, _) = self { terms } else { [self] }
  }

  /// Entries of the parser's stack over those of a lone test.
  private var stack: Int {
    switch self {
    case .all(_, let stack), .any(_, let stack): stack
    case .test: 0
    }
  }

  private static func stack(of terms: [ConditionTree]) -> Int {
    1 + terms.enumerated().reduce(0) { stack, term in max(stack, term.element.stack + (term.offset == 0 ? 0 : 2)) }
  }

  func sql(_ indexes: MetadataIndexes) -> SQLFragment {
    switch self {
    case .all(let terms, _): "(\(terms.lazy.map { $0.sql(indexes) }.joined(separator: " AND ")))"
    case .any(let terms, _): "(\(terms.lazy.map { $0.sql(indexes) }.joined(separator: " OR ")))"
    case .test(let test, let negated): TestSQL(indexes: indexes).sql(test, negated: negated)
    }
  }
}
