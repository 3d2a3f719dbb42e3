/// One setting: its name as in the configuration reference, its default, what it takes, and what it means.
///
/// The flag is the name in kebab-case, the environment variable in upper case: `maxSessions`, `--max-sessions`,
/// `SESSIOND_MAX_SESSIONS`.
struct Setting<Value: Sendable>: Sendable {
  let name: String
  let defaultText: String
  /// What is allowed, as it is told to who gave something else.
  let allowed: String
  let parse: @Sendable (String) -> Value?

  init(_ name: String, default defaultText: String, _ allowed: String, parse: @escaping @Sendable (String) -> Value?) {
    self.name = name
    self.defaultText = defaultText
    self.allowed = allowed
    self.parse = parse
  }

  var flag: String { words.joined(separator: "-") }
  var variable: String { "SESSIOND_" + words.joined(separator: "_").uppercased() }

  private var words: [String] {
    var words = [""]
    for character in name {
      if character.isUppercase { words.append("") }
      words[words.count - 1] += character.lowercased()
    }
    return words
  }
}

extension Setting where Value == Int {
  /// A whole number within bounds.
  static func count(_ name: String, default value: Int, _ range: ClosedRange<Int>) -> Setting {
    Setting(name, default: "\(value)", "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension Setting where Value == Duration {
  /// A time in milliseconds within bounds.
  static func milliseconds(_ name: String, default value: Int, _ range: ClosedRange<Int>) -> Setting {
    Setting(name, default: "\(value)", "milliseconds, from \(range.lowerBound) to \(range.upperBound)") { text in
      Int(text).flatMap { range.contains($0) ? .milliseconds($0) : nil }
    }
  }
}

/// A wrong value, which stops the start.
struct SettingError: Error, CustomStringConvertible {
  let name: String
  let value: String
  let source: SettingSource
  let allowed: String

  var description: String { "\(name) is \"\(value)\" (\(source)); allowed is \(allowed)" }
}

/// Where a value came from.
enum SettingSource: Sendable, CustomStringConvertible {
  case `default`
  case environment(String)
  case flag(String)

  var description: String {
    switch self {
    case .default: "default"
    case .environment(let variable): "environment \(variable)"
    case .flag(let flag): "flag --\(flag)"
    }
  }
}

/// Takes each setting from the flags, else the environment, else its default, and remembers from where.
struct SettingReader {
  private let flags: [String: String]
  private let environment: [String: String]
  /// What was read so far: name, value, source.
  private(set) var report: [(name: String, value: String, source: SettingSource)] = []

  init(flags: [String: String], environment: [String: String]) {
    self.flags = flags
    self.environment = environment
  }

  mutating func read<Value>(_ setting: Setting<Value>) throws -> Value {
    let (text, source): (String, SettingSource) =
      if let text = flags[setting.flag] {
        (text, .flag(setting.flag))
      } else if let text = environment[setting.variable] {
        (text, .environment(setting.variable))
      } else {
        (setting.defaultText, .default)
      }
    guard let value = setting.parse(text) else {
      throw SettingError(name: setting.name, value: text, source: source, allowed: setting.allowed)
    }
    report.append((setting.name, text, source))
    return value
  }
}
