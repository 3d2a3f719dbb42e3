import SessionDomain

extension ConditionTest {
  /// The test as an SQL expression: true, false, or NULL for unknown. Binds weaker than AND only in parentheses.
  var sql: SQLFragment {
    switch self {
    case .compare(let field, let comparison, let operand): Self.compare(field, comparison, operand)
    case .isIn(let field, let operands): Self.isIn(field, operands)
    case .like(let field, let operand): PatternTest(field: field, operand: operand).sql
    case .isNull(let field): "\(field.valueSQL) IS NULL"
    case .between(let field, let low, let high):
      "(\(Self.compare(field, .greaterOrEqual, low)) AND \(Self.compare(field, .lessOrEqual, high)))"
    case .has(let list, let operand): Self.has(list, operand)
    }
  }

  /// The opposite test; unknown where this one is unknown.
  var negatedSQL: SQLFragment {
    switch self {
    case .compare(let field, let comparison, let operand): Self.compare(field, comparison.negated, operand)
    case .isNull(let field): "\(field.valueSQL) IS NOT NULL"
    case .isIn, .like, .between, .has: "NOT (\(sql))"
    }
  }
}

extension ConditionTest {
  private static func compare(
    _ field: SessionField, _ comparison: Comparison, _ operand: ConditionOperand
  ) -> SQLFragment {
    switch comparison {
    case .equal, .notEqual: "\(equatable(field, [operand])) \(comparison.sql) \(operand.sql)"
    case .less, .lessOrEqual, .greater, .greaterOrEqual: order(field, comparison, operand)
    }
  }

  private static func isIn(_ field: SessionField, _ operands: [ConditionOperand]) -> SQLFragment {
    "\(equatable(field, operands)) IN (\(operands.lazy.map(\.sql).joined(separator: ", ")))"
  }

  /// The field's value in a form that is equal to an operand of its own kind only, and that an index can serve where
  /// all operands are of that kind.
  private static func equatable(_ field: SessionField, _ operands: [ConditionOperand]) -> SQLFragment {
    switch field.kind {
    case .text, .integer:
      // The sign takes the column's affinity away, which would turn 5 into '5' before comparing.
      operands.allSatisfy { $0.hasKind(of: field) } ? field.valueSQL : "+\(field.valueSQL)"
    case .json:
      operands.contains(where: \.equalsBoolean) ? field.distinctValueSQL : field.valueSQL
    }
  }

  private static func order(
    _ field: SessionField, _ comparison: Comparison, _ operand: ConditionOperand
  ) -> SQLFragment {
    switch (field.kind, operand) {
    case (_, .null): "NULL"
    case (.text, _), (.integer, _):
      operand.hasKind(of: field) ? "\(field.valueSQL) \(comparison.sql) \(operand.sql)" : "NULL"
    case (.json, .text):
      "CASE WHEN typeof(\(field.valueSQL)) = 'text' THEN \(field.valueSQL) \(comparison.sql) \(operand.sql) END"
    case (.json, .number), (.json, .type), (.json, .status), (.json, .time):
      """
      CASE WHEN typeof(\(field.distinctValueSQL)) IN ('integer', 'real') \
      THEN \(field.distinctValueSQL) \(comparison.sql) \(operand.sql) END
      """
    case (.json, .bool):
      """
      CASE WHEN typeof(\(field.distinctValueSQL)) = 'blob' \
      THEN \(field.distinctValueSQL) \(comparison.sql) \(operand.sql) END
      """
    }
  }

  private static func has(_ list: SessionListField, _ operand: ConditionOperand) -> SQLFragment {
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
