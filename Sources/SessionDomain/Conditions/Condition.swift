/// Which sessions a list is asked for: the `where` of a request, parsed and checked.
///
/// Its logic is SQL's, with three values: a test on something missing is unknown, `NOT` keeps unknown as it is, and
/// what is unknown does not match.
///
///     or    = and { "OR" and }
///     and   = not { "AND" not }
///     not   = [ "NOT" ] test
///     test  = "(" or ")"
///           | field ( "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) value
///           | field [ "NOT" ] "IN" "(" value { "," value } ")"
///           | field [ "NOT" ] "LIKE" value
///           | field "IS" [ "NOT" ] "NULL"
///           | field [ "NOT" ] "BETWEEN" value "AND" value
///           | list "HAS" value
///     field = a name | "metadata" { "->" "'" key "'" } "->>" "'" key "'" | "environment" "->>" "'" key "'"
///     list  = "capabilities" | "constraints"
///     value = "?" | "'" text "'" | number | "true" | "false"
///
/// Keywords are read in any case, names of fields in theirs. A quote inside a text or a key is written twice.
public indirect enum Condition: Sendable, Equatable {
  /// True when all are true, false when one is false. At least one condition.
  case all([Condition])
  /// True when one is true, false when all are false. At least one condition.
  case any([Condition])
  case not(Condition)
  case test(ConditionTest)
}

extension Condition {
  /// The longest text that is read, in bytes of UTF-8.
  public static let textBytesMax = ConditionLexer.textBytesMax
  /// How many tests a condition may have. An `IN` is one test, however many values it has.
  public static let testsMax = 64
  /// How deep parentheses may nest.
  public static let depthMax = 32
  /// The longest pattern of a `LIKE`, in bytes of UTF-8.
  public static let patternBytesMax = 4096

  /// Parses a condition. Its `?` marks take `parameters` in order, each exactly one.
  ///
  /// A text of nothing but spaces is an error: no condition is the absence of a text. Throws for what is not in the
  /// grammar or beyond its limits, an unknown type or status, a time that is none, U+0000 in a text, a number that is
  /// not finite, and parameters that are too few or too many.
  public static func parse(
    _ text: String, parameters: [ConditionValue] = []
  ) throws(ConditionError) -> Condition {
    var parser = try ConditionParser(text, parameters: parameters)
    return try parser.condition()
  }
}

/// Reads the field of an `order_by`: the same names as in a condition.
public enum OrderField {
  /// Parses one field and nothing else, such as `lastActivity` or `metadata->>'priority'`.
  public static func parse(_ text: String) throws(ConditionError) -> SessionField {
    var parser = try ConditionParser(text, parameters: [])
    return try parser.orderField()
  }
}
