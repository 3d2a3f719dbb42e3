/// Where settings are read from, again and again.
struct SettingsSource: Sendable {
  let flags: [String: String]
  let environment: [String: String]
  /// How many the machine has, which is the default of some.
  let processors: Int

  /// The settings, and where each came from.
  /// - Throws: `SettingError`, `SettingsFileError`, `UnknownFlagError`.
  func read() throws -> (settings: Settings, report: [SettingReader.Entry]) {
    var reader = SettingReader(flags: flags, environment: environment)
    let settings = try Settings(&reader, processors: processors)
    return (settings, reader.report)
  }

  /// Whether some of them may be in a file.
  var hasFile: Bool {
    var reader = SettingReader(flags: flags, environment: environment)
    // What is wrong with the file is told where it is read.
    do { return try reader.read(.settingsFile) != nil } catch { return true }
  }
}
