import SessionDomain

/// What conditions mean, written down a second time, without SQL.
struct ConditionModel {
  enum Value: Equatable {
    case missing
    case bool(Bool)
    case number(Double)
    case text(String)
  }

  let row: ConditionRow

  /// True, false, or nil for unknown.
  func truth(_ condition: Condition) -> Bool? {
    switch condition {
    case .all(let terms): terms.map(truth).reduce(true, Self.and)
    case .any(let terms): Self.not(terms.map { Self.not(truth($0)) }.reduce(true, Self.and))
    case .not(let inner): Self.not(truth(inner))
    case .test(let test): truth(test)
    }
  }

  private func truth(_ test: ConditionTest) -> Bool? {
    switch test {
    case .compare(let field, let comparison, let operand): Self.compare(value(field), comparison, Self.value(operand))
    case .isIn(let field, let operands):
      Self.not(
        operands.map { Self.compare(value(field), .notEqual, Self.value($0)) }.reduce(true, Self.and))
    case .like(let field, let operand): Self.like(value(field), Self.value(operand))
    case .isNull(let field): value(field) == .missing
    case .between(let field, let low, let high):
      Self.and(
        Self.compare(value(field), .greaterOrEqual, Self.value(low)),
        Self.compare(value(field), .lessOrEqual, Self.value(high)))
    case .has(let list, let operand):
      operand == .null
        ? nil
        : (list == .capabilities ? row.capabilities : row.constraints).contains { .text($0) == Self.value(operand) }
    }
  }

  private static func and(_ left: Bool?, _ right: Bool?) -> Bool? {
    switch (left, right) {
    case (false, _), (_, false): false
    case (true, true): true
    case (nil, _), (_, nil): nil
    }
  }

  private static func not(_ truth: Bool?) -> Bool? { truth.map { !$0 } }

  private static func compare(_ left: Value, _ comparison: Comparison, _ right: Value) -> Bool? {
    guard left != .missing, right != .missing else { return nil }
    let isLess: Bool? =
      switch (left, right) {
      case (.bool(let left), .bool(let right)): !left && right
      case (.number(let left), .number(let right)): left < right
      case (.text(let left), .text(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
      case (.missing, _), (.bool, _), (.number, _), (.text, _): nil
      }
    let isEqual = left == right
    return switch comparison {
    case .equal: isEqual
    case .notEqual: !isEqual
    case .less: isLess
    case .lessOrEqual: isLess.map { $0 || isEqual }
    case .greater: isLess.map { !$0 && !isEqual }
    case .greaterOrEqual: isLess.map { !$0 }
    }
  }

  private static func like(_ value: Value, _ pattern: Value) -> Bool? {
    guard value != .missing, pattern != .missing else { return nil }
    guard case (.text(let text), .text(let pattern)) = (value, pattern) else { return false }
    return matches(Array(text.lowercased().unicodeScalars)[...], Array(pattern.lowercased().unicodeScalars)[...])
  }

  private static func matches(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
    switch (pattern.first, text.first) {
    case (nil, let rest): rest == nil
    case ("%", nil): matches(text, pattern.dropFirst())
    case ("%", _?): matches(text, pattern.dropFirst()) || matches(text.dropFirst(), pattern)
    case (_?, nil): false
    case (let sign?, let scalar?): (sign == "_" || sign == scalar) && matches(text.dropFirst(), pattern.dropFirst())
    }
  }

  private static func value(_ operand: ConditionOperand) -> Value {
    switch operand {
    case .null: .missing
    case .bool(let value): .bool(value)
    case .number(let number): .number(number)
    case .text(let text): .text(text)
    case .type(let type): .number(Double(type.rawValue))
    case .status(let status): .number(Double(status.rawValue))
    case .time(let time): .number(Double(time.microseconds))
    }
  }

  private func value(_ field: SessionField) -> Value {
    switch field {
    case .id: .text(row.id)
    case .type: .number(Double(row.type.rawValue))
    case .name: .text(row.name)
    case .status: .number(Double(row.status.rawValue))
    case .workspace: .text(row.workspace)
    case .parentID: Self.value(row.parentID)
    case .templateName: Self.value(row.templateName)
    case .clonedFrom: Self.value(row.clonedFrom)
    case .statusReason: Self.value(row.statusReason)
    case .createTime: .number(Double(row.createTime))
    case .updateTime: .number(Double(row.updateTime))
    case .startTime: row.startTime.map { .number(Double($0)) } ?? .missing
    case .endTime: row.endTime.map { .number(Double($0)) } ?? .missing
    case .lastActivityTime: .number(Double(row.lastActivityTime))
    case .revision: .number(Double(row.revision))
    case .metadata(let keys): Self.value(.object(row.metadata), keys[...])
    case .environment(let key): Self.value(row.environment[key])
    }
  }

  private static func value(_ text: String?) -> Value { text.map(Value.text) ?? .missing }

  private static func value(_ json: JSONValue, _ keys: ArraySlice<String>) -> Value {
    if let key = keys.first {
      guard case .object(let members) = json, let member = members[key] else { return .missing }
      return value(member, keys.dropFirst())
    }
    return switch json {
    case .null: .missing
    case .bool(let value): .bool(value)
    case .number(let number): .number(number)
    case .string(let text): .text(text)
    case .array, .object: .text(json.compactText)
    }
  }
}
