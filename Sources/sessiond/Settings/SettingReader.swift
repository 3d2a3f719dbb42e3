/// Takes each setting from the flags, else the environment, else a file, else its default, and remembers what it read.
struct SettingReader {
  /// What was read of one setting.
  struct Entry {
    let name: String
    let flag: String
    let help: String
    let value: String
    let source: SettingSource
  }

  private let flags: [String: String]
  private let environment: [String: String]
  private var file: SettingsFile?
  /// What was read so far, in the order it was asked for.
  private(set) var report: [Entry] = []

  init(flags: [String: String], environment: [String: String]) {
    self.flags = flags
    self.environment = environment
  }

  /// Reads the settings file that a flag or a variable names, if one does. To be called before all others are read.
  /// - Throws: `SettingsFileError` for a file that cannot be read.
  mutating func readFile() throws {
    file = try read(.settingsFile).map { try SettingsFile(path: $0) }
  }

  /// The value of `setting`.
  /// - Throws: `SettingError` when it is not allowed, `SettingsFileError` when the file has something else than a value.
  mutating func read<Value>(_ setting: Setting<Value>) throws -> Value {
    let (text, source): (String, SettingSource) =
      if let text = flags[setting.flag] {
        (text, .flag(setting.flag))
      } else if let text = environment[setting.variable] {
        (text, .environment(setting.variable))
      } else if let file, let text = try file.text(of: setting.name, allowed: setting.allowed) {
        (text, .file(file.path))
      } else {
        (setting.defaultText, .default)
      }
    report.append(Entry(name: setting.name, flag: setting.flag, help: setting.help, value: text, source: source))
    guard let value = setting.parse(text) else { throw error(setting.name, allowed: setting.allowed) }
    return value
  }

  /// Sets `target`, whose value so far is the default, to a whole number.
  mutating func count<Number: FixedWidthInteger>(
    _ name: String, _ range: ClosedRange<Int>, _ help: String, _ target: inout Number
  ) throws {
    target = Number(try read(.count(name, default: Int(target), range, help)))
  }

  /// Sets `target`, whose value so far is the default, to a time in milliseconds.
  mutating func milliseconds(
    _ name: String, _ range: ClosedRange<Int>, _ help: String, _ target: inout Duration
  ) throws {
    target = try read(.milliseconds(name, default: target, range, help))
  }

  /// Sets `target`, whose value so far is the default, to a number from 0 on.
  mutating func number(_ name: String, _ help: String, _ target: inout Double) throws {
    target = try read(
      Setting(name, default: "\(target)", "a number from 0 to 1000000, such as 0.9", help) { text in
        Double(text).flatMap { (0...1_000_000).contains($0) ? $0 : nil }
      })
  }

  /// That the setting `name`, which was read, is wrong; for what only several settings together tell.
  func error(_ name: String, allowed: String) -> SettingError {
    let entry = report.last { $0.name == name }
    return SettingError(name: name, value: entry?.value ?? "", source: entry?.source ?? .default, allowed: allowed)
  }

  /// Refuses flags that no setting has, and what else is in the file. For when all are read.
  /// - Throws: `UnknownFlagError`, `SettingsFileError`.
  func finish() throws {
    let known = Set(report.map(\.flag))
    if let flag = flags.keys.filter({ !known.contains($0) }).min() { throw UnknownFlagError(flag: flag) }
    // Which file to read cannot be said in it.
    try file?.checkNames(Set(report.map(\.name)).subtracting([Setting<String?>.settingsFile.name]))
  }
}

/// Where a value came from.
enum SettingSource: Sendable, CustomStringConvertible {
  case `default`
  case file(String)
  case environment(String)
  case flag(String)

  var description: String {
    switch self {
    case .default: "default"
    case .file(let path): "file \(path)"
    case .environment(let variable): "environment \(variable)"
    case .flag(let flag): "flag --\(flag)"
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

/// A flag that is no setting's.
struct UnknownFlagError: Error, CustomStringConvertible {
  let flag: String

  var description: String { "there is no flag --\(flag); --help lists them" }
}
