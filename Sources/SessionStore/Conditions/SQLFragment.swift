/// A piece of SQL with the values of its parameters, in order.
///
/// Made from literals of this program, other fragments, and values, which become `?`. A string cannot be
/// interpolated, so nothing that a caller wrote gets into the SQL. What the operator wrote does, as literals that are
/// made here: SQLite would not know an index by its expression otherwise.
struct SQLFragment: Hashable, Sendable {
  private(set) var sql: String
  private(set) var bindings: [SQLValue]

  mutating func append(_ piece: SQLFragment) {
    sql += piece.sql
    bindings += piece.bindings
  }
}

extension SQLFragment {
  /// A text as a literal, in which SQLite knows one special character: the quote, which is written twice.
  ///
  /// The text has no U+0000, at which SQLite would stop reading.
  init(textLiteral text: String) {
    precondition(!text.utf8.contains(0), "a literal with U+0000")
    self.init(sql: Self.quoted(text, in: "'"), bindings: [])
  }

  /// The name of a part of the schema, whatever characters it has but U+0000.
  init(identifier name: String) {
    precondition(!name.utf8.contains(0), "a name with U+0000")
    self.init(sql: Self.quoted(name, in: "\""), bindings: [])
  }

  /// Scalar by scalar: a quote with an accent on it is a quote, too.
  private static func quoted(_ text: String, in quote: Unicode.Scalar) -> String {
    var quoted = String.UnicodeScalarView()
    quoted.append(quote)
    for scalar in text.unicodeScalars {
      quoted.append(scalar)
      if scalar == quote { quoted.append(scalar) }
    }
    quoted.append(quote)
    return String(quoted)
  }
}

extension SQLFragment: ExpressibleByStringInterpolation {
  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var fragment: SQLFragment

    init(literalCapacity: Int, interpolationCount: Int) {
      fragment = SQLFragment(sql: "", bindings: [])
      fragment.sql.reserveCapacity(literalCapacity + interpolationCount)
    }

    mutating func appendLiteral(_ literal: StaticString) {
      literal.withUTF8Buffer { fragment.sql += String(decoding: $0, as: UTF8.self) }
    }

    mutating func appendInterpolation(_ piece: SQLFragment) {
      fragment.append(piece)
    }

    mutating func appendInterpolation(_ value: SQLValue) {
      fragment.sql += "?"
      fragment.bindings.append(value)
    }
  }

  init(stringLiteral literal: StaticString) {
    self.init(sql: literal.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }, bindings: [])
  }

  init(stringInterpolation: StringInterpolation) {
    self = stringInterpolation.fragment
  }
}

extension Sequence<SQLFragment> {
  /// The fragments, one after the other, with `separator` between them.
  func joined(separator: SQLFragment) -> SQLFragment {
    var joined: SQLFragment = ""
    var isFirst = true
    for fragment in self {
      if !isFirst { joined.append(separator) }
      isFirst = false
      joined.append(fragment)
    }
    return joined
  }
}
