/// The place of a value inside the metadata that lists are often narrowed by, as it is written in a setting: a key, or
/// the keys on the way to it, as in `config->region`.
///
/// A key is one or more characters: all but double quotes, backslashes and control characters, which JSON does not
/// write as they are. It stands between single quotes where it has a comma, `->`, a single quote, which is written
/// twice, or spaces at its ends.
public struct MetadataPath: Hashable, Sendable {
  /// How many paths a list may have: each costs every change of a session.
  public static let countMax = 16
  /// The longest key, in bytes of UTF-8.
  public static let keyBytesMax = 256

  /// From the outside in; at least one and at most ``SessionField/metadataDepthMax``.
  public let keys: [String]

  /// A path of these keys; nil when there are none or too many, or when one cannot be written.
  public init?(_ keys: [String]) {
    guard (1...SessionField.metadataDepthMax).contains(keys.count), keys.allSatisfy(Self.isAllowed) else { return nil }
    self.keys = keys
  }

  /// The paths in a list with commas between them; nil when one is none or comes twice, or when they are too many. A
  /// list of nothing is empty.
  public static func list(_ text: String) -> [MetadataPath]? {
    var reader = MetadataPathReader(text)
    guard let paths = reader.list(), paths.count <= countMax else { return nil }
    // Two spellings of one text are two keys: `==` would call them equal.
    let spellings = Set(paths.map { $0.keys.map { Array($0.utf8) } })
    return spellings.count == paths.count ? paths : nil
  }

  /// What a list may be, for an error message.
  public static let allowed = """
    up to \(countMax) different keys of the metadata with commas between them, such as domain,config->region, each of \
    1 to \(keyBytesMax) bytes without double quotes, backslashes and control characters, and with single quotes \
    around it where it has commas or other special characters
    """

  /// The field with the value.
  public var field: SessionField { .metadata(keys) }

  private static func isAllowed(_ key: String) -> Bool {
    (1...keyBytesMax).contains(key.utf8.count) && isWrittenAsIs(key)
  }

  /// Whether JSON writes a key without escapes, so that it can be found without reading them.
  public static func isWrittenAsIs(_ key: String) -> Bool {
    key.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
  }
}

/// Reads a list of paths scalar by scalar: a quote with an accent on it is a quote.
private struct MetadataPathReader {
  private var rest: Substring.UnicodeScalarView

  init(_ text: String) {
    rest = Substring(text).unicodeScalars
  }

  mutating func list() -> [MetadataPath]? {
    skipSpaces()
    guard !rest.isEmpty else { return [] }
    var paths: [MetadataPath] = []
    repeat {
      guard let path = path() else { return nil }
      paths.append(path)
    } while skip(",")
    return rest.isEmpty ? paths : nil
  }

  private mutating func path() -> MetadataPath? {
    var keys: [String] = []
    repeat {
      skipSpaces()
      guard let key = skip("'") ? quotedKey() : bareKey() else { return nil }
      keys.append(key)
      skipSpaces()
    } while skip("->")
    return MetadataPath(keys)
  }

  private mutating func quotedKey() -> String? {
    var key = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      if scalar == "'", !skip("'") { return String(key) }
      key.append(scalar)
    }
    return nil
  }

  private mutating func bareKey() -> String? {
    var key = Substring.UnicodeScalarView()
    while let scalar = rest.first, scalar != ",", !rest.starts(with: "->".unicodeScalars) {
      guard scalar != "'" else { return nil }
      key.append(scalar)
      rest.removeFirst()
    }
    while key.last == " " { key.removeLast() }
    return String(key)
  }

  private mutating func skip(_ text: String) -> Bool {
    guard rest.starts(with: text.unicodeScalars) else { return false }
    rest.removeFirst(text.unicodeScalars.count)
    return true
  }

  private mutating func skipSpaces() {
    while rest.first == " " { rest.removeFirst() }
  }
}
