/// A value for a parameter of a statement, or one out of a row.
enum SQLValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
}
