/// A value as the caller gave it: a literal of the condition's text, or a parameter for one of its `?` marks.
///
/// Null can only come as a parameter. Any test against it is unknown.
public enum ConditionValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// Infinities and NaN are refused by ``Condition/parse(_:parameters:)``.
  case number(Double)
  /// U+0000 is refused by ``Condition/parse(_:parameters:)``.
  case string(String)
}

extension ConditionValue {
  /// The value of a parameter; nil for arrays and objects, which nothing compares with.
  public init?(_ json: JSONValue) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let value): self = .number(value)
    case .string(let text): self = .string(text)
    case .array, .object: return nil
    }
  }

  /// The value as an error message shows it.
  var shown: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let value): Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    case .string(let text): ConditionError.quote(text.unicodeScalars)
    }
  }
}
