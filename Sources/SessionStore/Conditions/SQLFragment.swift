/// A piece of SQL with the values of its parameters, in order.
///
/// Made from literals of this program, other fragments, and values, which become `?`. A string cannot be
/// interpolated, so nothing that a caller wrote gets into the SQL.
struct SQLFragment: Hashable, Sendable {
  private(set) var sql: String
  private(set) var bindings: [SQLValue]

  mutating func append(_ piece: SQLFragment) {
    sql += piece.sql
    bindings += piece.bindings
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
