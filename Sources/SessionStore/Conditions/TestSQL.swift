import SessionDomain

/// Tests as SQL expressions.
struct TestSQL {
  /// Keys of the metadata whose values are looked up so that SQLite knows their indexes.
  let indexes: MetadataIndexes

  /// The test, or the opposite one: true, false, or NULL for unknown, where unknown counts as false if the field has an
  /// index. Binds weaker than AND only in parentheses.
  func sql(_ test: ConditionTest, negated: Bool) -> SQLFragment {
    negated ? opposite(of: test) : sql(test)
  }

  private func sql(_ test: ConditionTest) -> SQLFragment {
    switch test {
    case .compare(let field, let comparison, let operand): compare(field, comparison, operand)
    case .isIn(let field, let operands): isIn(field, operands)
    case .like(let field, let operand): PatternTest(field: field, operand: operand, indexes: indexes).sql
    case .isNull(let field): "\(value(field)) IS NULL"
    case .between(let field, let low, let high):
      "(\(compare(field, .greaterOrEqual, low)) AND \(compare(field, .lessOrEqual, high)))"
    case .has(let list, let operand): has(list, operand)
    }
  }

  /// Unknown where the test is unknown.
  private func opposite(of test: ConditionTest) -> SQLFragment {
    switch test {
    case .compare(let field, let comparison, let operand): compare(field, comparison.negated, operand)
    case .isNull(let field): "\(value(field)) IS NOT NULL"
    // An index does not find what differs, and what takes unknown for false must not be turned around.
    case .isIn, .like, .between, .has: "NOT (\(TestSQL(indexes: .none).sql(test)))"
    }
  }

  private func value(_ field: SessionField) -> SQLFragment { FieldSQL(field, indexes: indexes).value }

  private func distinctValue(_ field: SessionField) -> SQLFragment { FieldSQL(field, indexes: indexes).distinctValue }

  private func isIndexedLookup(_ field: SessionField) -> Bool { FieldSQL(field, indexes: indexes).isIndexedLookup }
}

// MARK: Comparing

extension TestSQL {
  private func compare(_ field: SessionField, _ comparison: Comparison, _ operand: ConditionOperand) -> SQLFragment {
    switch comparison {
    case .equal where isIndexedLookup(field) && operand.equalsBoolean:
      // The index has true and false as 1 and 0.
      "(\(value(field)) = \(operand.lookedUpSQL) AND \(distinctValue(field)) = \(operand.sql))"
    case .equal, .notEqual: "\(equatable(field, [operand])) \(comparison.sql) \(operand.sql)"
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      isIndexedLookup(field)
        // Implied by the rest, and what lets an index seek to the place.
        ? "(\(value(field)) \(comparison.sql) \(operand.lookedUpSQL) AND \(order(field, comparison, operand)))"
        : order(field, comparison, operand)
    }
  }

  private func isIn(_ field: SessionField, _ operands: [ConditionOperand]) -> SQLFragment {
    let test: SQLFragment = "\(equatable(field, operands)) IN (\(operands.lazy.map(\.sql).joined(separator: ", ")))"
    guard isIndexedLookup(field), operands.contains(where: \.equalsBoolean) else { return test }
    return "(\(value(field)) IN (\(operands.lazy.map(\.lookedUpSQL).joined(separator: ", "))) AND \(test))"
  }

  /// The field's value in a form that is equal to an operand of its own kind only, and that an index can serve where
  /// all operands are of that kind.
  private func equatable(_ field: SessionField, _ operands: [ConditionOperand]) -> SQLFragment {
    switch field.kind {
    case .text, .integer:
      // The sign takes the column's affinity away, which would turn 5 into '5' before comparing.
      operands.allSatisfy { $0.hasKind(of: field) } ? value(field) : "+\(value(field))"
    case .json:
      operands.contains(where: \.equalsBoolean) ? distinctValue(field) : value(field)
    }
  }

  private func order(_ field: SessionField, _ comparison: Comparison, _ operand: ConditionOperand) -> SQLFragment {
    switch (field.kind, operand) {
    case (_, .null): "NULL"
    case (.text, _), (.integer, _):
      operand.hasKind(of: field) ? "\(value(field)) \(comparison.sql) \(operand.sql)" : "NULL"
    case (.json, .text):
      "CASE WHEN typeof(\(value(field))) = 'text' THEN \(value(field)) \(comparison.sql) \(operand.sql) END"
    case (.json, .number), (.json, .type), (.json, .status), (.json, .time):
      """
      CASE WHEN typeof(\(distinctValue(field))) IN ('integer', 'real') \
      THEN \(distinctValue(field)) \(comparison.sql) \(operand.sql) END
      """
    case (.json, .bool):
      """
      CASE WHEN typeof(\(distinctValue(field))) = 'blob' \
      THEN \(distinctValue(field)) \(comparison.sql) \(operand.sql) END
      """
    }
  }

  private func has(_ list: SessionListField, _ operand: ConditionOperand) -> SQLFragment {
    let column: SQLFragment =
      switch list {
      case .capabilities: "capabilities"
      case .constraints: "constraints"
      }
    return switch operand {
    case .null: "NULL"
    case .text: "EXISTS (SELECT 1 FROM json_each(\(column)) WHERE value = \(operand.sql))"
    case .bool, .number, .type, .status, .time: "FALSE"
    }
  }
}

extension Comparison {
  fileprivate var sql: SQLFragment {
    switch self {
    case .equal: "="
    case .notEqual: "<>"
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    }
  }

  fileprivate var negated: Comparison {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .greater: .lessOrEqual
    case .greaterOrEqual: .less
    }
  }
}

extension ConditionOperand {
  fileprivate var sql: SQLFragment {
    switch self {
    case .null: "NULL"
    case .bool(let value): value ? "x'01'" : "x'00'"
    case .number(let number): "\(Int64(exactly: number).map(SQLValue.integer) ?? .real(number))"
    case .text(let text): "\(.text(text))"
    case .type(let type): "\(.integer(Int64(type.rawValue)))"
    case .status(let status): "\(.integer(Int64(status.rawValue)))"
    case .time(let time): "\(.integer(time.microseconds))"
    }
  }

  /// The value as a lookup in a JSON document gives it, with 1 and 0 for true and false.
  fileprivate var lookedUpSQL: SQLFragment {
    if case .bool(let value) = self { value ? "1" : "0" } else { sql }
  }

  /// Whether it may be compared with the field's column as it is.
  fileprivate func hasKind(of field: SessionField) -> Bool {
    switch (field.kind, self) {
    case (_, .null), (.text, .text), (.integer, .number), (.integer, .type), (.integer, .status), (.integer, .time):
      true
    case (.text, .bool), (.text, .number), (.text, .type), (.text, .status), (.text, .time), (.integer, .bool),
      (.integer, .text), (.json, _):
      false
    }
  }

  /// Whether SQLite would take it for a boolean out of a JSON document.
  fileprivate var equalsBoolean: Bool {
    switch self {
    case .bool: true
    case .number(let number): number == 0 || number == 1
    case .null, .text, .type, .status, .time: false
    }
  }
}
