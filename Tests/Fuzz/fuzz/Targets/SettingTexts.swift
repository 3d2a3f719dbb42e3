import SessionDomain

@testable import sessiond

extension FuzzTarget {
  static let settings = [settingsFile, settingsValues, metadataIndexes]

  private static let names = ["maxSessions", "logLevel", "capacityCpu", "metadataIndexes", "tokenFile"]

  private static let settingsFile = FuzzTarget(
    "settings-file",
    texts: [
      "maxSessions: 7\nlogLevel: debug # all\ncapacityCpu: 1.5\nmetadataIndexes:\n- domain\n- config->region\n",
      "{\"maxSessions\":7,\"logLevel\":\"debug\",\"metadataIndexes\":[\"domain\",\"config->region\"]}",
      "# nothing\n\n---\n", "tokenFile: ~", "maxSessions: {a: 1}", "- maxSessions", "maxSessions: 1\nmaxSessions: 2",
      "maxSessions: [[1]]", "tokenFile: |\n  a\n  b\n", "a: &b [1]\nc: *b\n", "a: !!int '7'\n", "tokenFile: 'a''b'\r\n",
    ],
    words: names.map { "\($0): " } + [
      "\"", "'", "\n", "- ", "{", "}", "[", "]", "---", "&a ", "*a", "!!str ", "|", "null",
    ]
  ) { text in
    let file: SettingsFile
    do {
      file = try SettingsFile(path: "settings", bytes: Array(text.utf8))
    } catch let error as SettingsFileError {
      return check(error)
    }
    // What has a text is a name that the file is known to have.
    for name in names + [text] where try value(of: name, in: file) != nil {
      expect(isRefused { try file.checkNames([]) }, "\(name) has a value and is no name")
    }
    if !isRefused({ try file.checkNames([]) }) {
      expect(!isRefused { try file.checkNames(Set(names)) }, "a name is none")
    }
  }

  /// Settings, each the number of a name and a kind of value, in both of the forms that a file may have.
  private static let settingsValues = FuzzTarget(
    "settings-values",
    seeds: [
      [0, 0] + FuzzInput.piece("7") + [1, 0] + FuzzInput.piece("de\"b'ug: # \\ \u{E4}") + [2, 1]
        + [UInt8](repeating: 0, count: 8),
      [3, 3, 2] + FuzzInput.piece("domain") + FuzzInput.piece("config->region") + [4, 2, 1],
      [0, 0] + FuzzInput.piece("null"),
      [0, 0] + FuzzInput.piece("- a\n b\t\u{1}"), [2, 1, 0x40, 0x45, 0xC0, 0, 0, 0, 0, 0],
    ], words: ["\u{7F}", "~", "''", "\\u", "---"]
  ) { input in
    var members: [String: JSONValue] = [:]
    while !input.isEmpty {
      let name = names[Int(input.takeByte()) % names.count]
      members[name] =
        switch input.takeByte() % 4 {
        case 0: .string(input.takeText())
        case 1: .number(Double(bitPattern: input.takeInteger()))
        case 2: .bool(input.takeByte() & 1 == 1)
        default: .array((0..<input.takeByte() % 4).map { _ in .string(input.takeText()) })
        }
    }
    let text = JSONValue.object(members).compactText
    // YAML takes the first three for ends of lines, and passes over the last (YAML 1.1 sections 5.2 and 5.4).
    let others = "\u{85}\u{2028}\u{2029}\u{FEFF}".unicodeScalars
    guard JSONValue.object(members).isFinite, !text.unicodeScalars.contains(where: { others.contains($0) }) else {
      return
    }
    let lines = members.map { "\($0): \($1.compactText)\n" }.joined()
    for text in [text, lines] {
      // A character that YAML does not have is refused, never read as another.
      guard let file = try? SettingsFile(path: "settings", bytes: Array(text.utf8)) else { continue }
      expect(!isRefused { try file.checkNames(Set(members.keys)) }, "\(text) has other names")
      for (name, member) in members {
        guard let value = try value(of: name, in: file) else { continue }
        expect(value.utf8.elementsEqual(plain(member).utf8), "\(name) is \(value) in \(text)")
      }
    }
  }

  private static func plain(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): text
    case .array(let elements): elements.map { plain($0) }.joined(separator: ",")
    case .null, .bool, .number, .object: value.compactText
    }
  }

  private static func value(of name: String, in file: SettingsFile) throws -> String? {
    do {
      return try file.text(of: name, allowed: "anything")
    } catch let error as SettingsFileError {
      check(error)
      return nil
    }
  }

  private static func check(_ error: SettingsFileError) {
    expect(!error.problem.isEmpty && !error.description.contains(where: \.isNewline), "\(error) has lines")
  }

  private static func isRefused(_ body: () throws -> Void) -> Bool {
    do { try body() } catch { return true }
    return false
  }

  private static let metadataIndexes = FuzzTarget(
    "metadata-indexes",
    texts: [
      "domain,config->region", " 'a,b' -> 'c''d' , e ", "", "''", "a->", "a,a", "'a'b", "a->b->c->d->e->f->g->h->i",
      "\u{E4},a\u{308}",
    ], words: ["->", ",", "'", "''", " "]
  ) { text in
    if let paths = MetadataPath.list(text) {
      expect(paths.count <= MetadataPath.countMax, "\(paths.count) paths are read")
      let keys = paths.map { $0.keys.map { Array($0.utf8) } }
      expect(Set(keys).count == paths.count, "a path comes twice")
      expect(keys.joined().allSatisfy { isKey($0) }, "\(text) has keys that none can have")
      expect(
        MetadataPath.list(written(paths))?.map { $0.keys.map { Array($0.utf8) } } == keys,
        "\(text) reads back otherwise")
    }
    // Whatever a key has in it, it can be written.
    let key = Array(text.utf8)
    let path = MetadataPath([text])
    expect((path != nil) == isKey(key), "\(text) is taken for another key than it is")
    guard let path else { return }
    let again = MetadataPath.list(written([path]))
    expect(again?.count == 1 && again?.first?.keys.map { Array($0.utf8) } == [key], "\(text) cannot be written")
  }

  private static func written(_ paths: [MetadataPath]) -> String {
    paths.map { path in
      path.keys.map { key in
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in key.unicodeScalars { quoted += scalar == "'" ? [scalar, scalar] : [scalar] }
        return String(quoted) + "'"
      }.joined(separator: "->")
    }.joined(separator: ",")
  }

  private static func isKey(_ bytes: [UInt8]) -> Bool {
    (1...MetadataPath.keyBytesMax).contains(bytes.count)
      && !bytes.contains { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
  }
}
