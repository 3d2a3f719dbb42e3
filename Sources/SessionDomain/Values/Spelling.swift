// Unicode has several spellings of some texts, such as an accented letter in one scalar or in two. `==` takes them as
// equal; whoever sent a text means the one that was sent.

extension String {
  /// Whether this is the other text byte by byte.
  func isSpelled(like other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension [String] {
  /// Whether these are the other texts byte by byte, in the same order.
  func isSpelled(like other: [String]) -> Bool { elementsEqual(other) { $0.isSpelled(like: $1) } }
}

extension [String: String] {
  /// Whether these are the other values byte by byte, under the same keys.
  func isSpelled(like other: [String: String]) -> Bool {
    count == other.count && allSatisfy { key, value in other[key]?.isSpelled(like: value) ?? false }
  }
}

extension JSONValue? {
  /// Whether both are missing, or this is the other value, all of its texts byte by byte.
  func isSpelled(like other: JSONValue?) -> Bool {
    (self?.compactText ?? "").isSpelled(like: other?.compactText ?? "")
  }
}
