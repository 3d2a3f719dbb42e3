/// A JSON value (RFC 8259). Numbers are doubles, as in `google.protobuf.Value`.
///
/// Equality is deep; two numbers are equal as doubles are.
public enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

extension JSONValue {
  /// The texts, when this is an array of nothing but strings; otherwise nil.
  public var strings: [String]? {
    guard case .array(let elements) = self else { return nil }
    var texts: [String] = []
    texts.reserveCapacity(elements.count)
    for element in elements {
      guard case .string(let text) = element else { return nil }
      texts.append(text)
    }
    return texts
  }

  /// Whether arrays and objects nest at most `limit` deep, the outermost counting as 1.
  ///
  /// Looks no deeper than the limit, so that its own stack is bounded.
  public func nests(atMost limit: Int) -> Bool {
    switch self {
    case .null, .bool, .number, .string: true
    case .array(let elements): limit > 0 && elements.allSatisfy { $0.nests(atMost: limit - 1) }
    case .object(let members): limit > 0 && members.values.allSatisfy { $0.nests(atMost: limit - 1) }
    }
  }

  /// Whether every number in it is finite; JSON has no others. The value's depth is the caller's to bound.
  public var isFinite: Bool {
    switch self {
    case .null, .bool, .string: true
    case .number(let number): number.isFinite
    case .array(let elements): elements.allSatisfy(\.isFinite)
    case .object(let members): members.values.allSatisfy(\.isFinite)
    }
  }
}
