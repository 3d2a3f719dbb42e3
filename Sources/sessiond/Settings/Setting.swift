/// One setting: its name as in the configuration reference, its default, what it takes, and what it means.
///
/// The flag is the name in kebab-case, the environment variable in upper case: `maxSessions`, `--max-sessions`,
/// `SESSIOND_MAX_SESSIONS`.
struct Setting<Value: Sendable>: Sendable {
  let name: String
  let defaultText: String
  /// What is allowed, as it is told to who gave something else.
  let allowed: String
  /// One line for `--help`.
  let help: String
  let parse: @Sendable (String) -> Value?

  init(
    _ name: String, default defaultText: String, _ allowed: String, _ help: String,
    parse: @escaping @Sendable (String) -> Value?
  ) {
    self.name = name
    self.defaultText = defaultText
    self.allowed = allowed
    self.help = help
    self.parse = parse
  }

  var flag: String { words.joined(separator: "-") }
  var variable: String { "SESSIOND_" + words.joined(separator: "_").uppercased() }

  private var words: [String] {
    var words = [""]
    // A run of capitals, such as TLS or CA, is one word up to where the next begins.
    let characters = Array(name)
    for (index, character) in characters.enumerated() {
      let followsLower = index > 0 && !characters[index - 1].isUppercase
      let precedesLower = index > 0 && index + 1 < characters.count && characters[index + 1].isLowercase
      if character.isUppercase, followsLower || precedesLower { words.append("") }
      words[words.count - 1] += character.lowercased()
    }
    return words
  }
}

extension Setting where Value == Int {
  /// A whole number within bounds.
  static func count(_ name: String, default value: Int, _ range: ClosedRange<Int>, _ help: String) -> Setting {
    Setting(name, default: "\(value)", "a whole number from \(range.lowerBound) to \(range.upperBound)", help) { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension Setting where Value == Duration {
  /// A time in milliseconds within bounds.
  static func milliseconds(
    _ name: String, default value: Duration, _ range: ClosedRange<Int>, _ help: String
  ) -> Setting {
    Setting(
      name, default: "\(Int(value / .milliseconds(1)))",
      "milliseconds, from \(range.lowerBound) to \(range.upperBound)",
      help
    ) { text in
      Int(text).flatMap { range.contains($0) ? .milliseconds($0) : nil }
    }
  }
}

extension Setting where Value == Bool {
  /// Yes or no.
  static func flag(_ name: String, default value: Bool, _ help: String) -> Setting {
    Setting(name, default: "\(value)", "true or false", help) { Bool($0) }
  }
}

extension Setting where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
  /// One of several words.
  static func choice(_ name: String, default value: Value, _ help: String) -> Setting {
    Setting(name, default: value.rawValue, Value.allCases.map(\.rawValue).joined(separator: ", "), help) {
      Value(rawValue: $0)
    }
  }
}

extension Setting where Value == String? {
  /// The file that other settings are in, which is no part of it.
  static var settingsFile: Setting { optionalFile("config", "A file of settings, in YAML or JSON, by their names.") }

  /// A file's path; nil where it is empty, which is the default.
  static func optionalFile(_ name: String, _ help: String) -> Setting {
    Setting(name, default: "", "a file's path", help) { .some($0.isEmpty ? nil : $0) }
  }
}
