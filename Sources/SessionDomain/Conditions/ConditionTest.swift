/// One test of a condition, on one field of a session.
///
/// Values of different kinds (text, numbers, booleans) are never equal, and neither is less than the other: whether
/// they are in order is unknown. Arrays and objects in the metadata count as their compact JSON text.
public enum ConditionTest: Sendable, Equatable {
  /// Text is ordered by its bytes, false before true, types and statuses as in the contract.
  case compare(SessionField, Comparison, ConditionOperand)
  /// Whether the field equals one of the values; at least one.
  case isIn(SessionField, [ConditionOperand])
  /// Whether a text matches a pattern, in which `%` stands for any characters and `_` for one. The case of ASCII
  /// letters is ignored and nothing escapes. Types and statuses are matched by their short names, or by their full
  /// ones when the pattern begins like one; times as RFC 3339 in UTC with six digits of fraction. What is no text
  /// does not match.
  case like(SessionField, ConditionOperand)
  case isNull(SessionField)
  /// Whether the field lies between the two values, which belong to the range.
  case between(SessionField, ConditionOperand, ConditionOperand)
  /// Whether a list holds exactly this text.
  case has(SessionListField, ConditionOperand)
}

/// How two values are compared.
public enum Comparison: Sendable, Equatable, CaseIterable {
  case equal
  case notEqual
  case less
  case lessOrEqual
  case greater
  case greaterOrEqual
}

/// A value of a test, checked against the field it is for.
public enum ConditionOperand: Sendable, Equatable {
  /// Makes every test unknown.
  case null
  case bool(Bool)
  /// Finite.
  case number(Double)
  /// Without U+0000. In lower case where it stands for an id.
  case text(String)
  case type(SessionType)
  case status(SessionStatus)
  case time(Timestamp)
}
