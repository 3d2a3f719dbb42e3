/// Why a condition or an order field was refused, and where.
public struct ConditionError: Error, Sendable, Equatable {
  /// Where the mistake is, in characters (Unicode scalars) of the text, counted from 1. One past the last character
  /// means that the text ended too early.
  public let position: Int
  /// What would have been right there, as a noun phrase.
  public let expected: String
  /// What is there instead: a quoted piece of the text, at most 40 characters long, or a noun phrase.
  public let found: String

  /// An error at `position`, counted in characters from 1.
  public init(position: Int, expected: String, found: String) {
    self.position = position
    self.expected = expected
    self.found = found
  }
}

extension ConditionError: CustomStringConvertible {
  /// The error as one sentence for the caller, such as `at 8: expected a value, found the end of the text`.
  public var description: String { "at \(position): expected \(expected), found \(found)" }
}

extension ConditionError {
  /// The caller's text between double quotes, shortened, and without characters that would break a line or a log.
  static func quote(_ text: some Sequence<Unicode.Scalar>) -> String {
    let lengthMax = 40
    var quoted = String.UnicodeScalarView("\"".unicodeScalars)
    for (index, scalar) in text.enumerated() {
      guard index < lengthMax - 3 else {
        quoted.append(contentsOf: "...".unicodeScalars)
        break
      }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: quoted.append("\u{FFFD}")
      default: quoted.append(scalar)
      }
    }
    quoted.append("\"")
    return String(quoted)
  }
}
