import Glibc

/// A text that is equal to another only byte by byte, as SQLite and JSON documents take it: `==` of texts takes two
/// spellings of one for the same.
struct SpelledText: Hashable, Sendable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (left: SpelledText, right: SpelledText) -> Bool {
    var (left, right) = (left.text, right.text)
    return left.withUTF8 { left in
      right.withUTF8 { right in
        guard left.count == right.count, let start = left.baseAddress, let other = right.baseAddress else {
          return left.count == right.count
        }
        return memcmp(start, other, left.count) == 0
      }
    }
  }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
