import Foundation
import Testing

@testable import sessiond

private func file(_ text: String) throws -> SettingsFile {
  try SettingsFile(path: "settings.yaml", bytes: Array(text.utf8))
}

/// A file that goes away with its owner.
private final class TemporaryFile {
  let path = NSTemporaryDirectory() + "sessiond-settings-\(UUID().uuidString).yaml"

  init(_ text: String) throws { try write(text) }

  deinit { unlink(path) }

  func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }
}

private func source(_ file: TemporaryFile, flags: [String: String] = [:], environment: [String: String] = [:])
  -> SettingsSource
{
  SettingsSource(
    flags: flags.merging(["config": file.path]) { $1 }, environment: environment, processors: 2)
}

@Suite struct SettingsFileTests {
  @Test(
    "YAML and JSON say the same",
    arguments: [
      "maxSessions: 7\nlogLevel: debug # all\ncapacityCpu: 1.5\nmetadataIndexes:\n- domain\n- config->region\n",
      """
      {"maxSessions":7,"logLevel":"debug","capacityCpu":1.5,"metadataIndexes":["domain","config->region"]}
      """,
      "{\n\t\"maxSessions\": 7,\n\t\"logLevel\": \"debug\",\n\t\"capacityCpu\": \"1.5\",\n"
        + "\t\"metadataIndexes\": \"domain,config->region\"\n}\n",
    ])
  func values(text: String) throws {
    let temporary = try TemporaryFile(text)
    let (settings, report) = try source(temporary).read()
    #expect(settings.store.maxSessions == 7)
    #expect(settings.logLevel == .debug)
    #expect(settings.store.capacity.cpuMillicores == 1500)
    #expect(settings.store.metadataIndexes.map(\.keys) == [["domain"], ["config", "region"]])
    let sources = Dictionary(uniqueKeysWithValues: report.map { ($0.name, "\($0.source)") })
    #expect(sources["maxSessions"] == "file \(temporary.path)")
    #expect(sources["config"] == "flag --config")
    #expect(sources["maxRetries"] == "default")
  }

  @Test func flagsAndTheEnvironmentWinOverTheFile() throws {
    let temporary = try TemporaryFile("maxSessions: 1\nmaxRetries: 1\nretryDelay: 1\n")
    let (settings, report) = try source(
      temporary, flags: ["max-sessions": "3"], environment: ["SESSIOND_MAX_SESSIONS": "2", "SESSIOND_MAX_RETRIES": "2"]
    ).read()
    #expect(settings.store.maxSessions == 3)
    #expect(settings.store.maxRetries == 2)
    #expect(settings.store.retryDelay == .milliseconds(1))
    let names = ["maxSessions", "maxRetries", "retryDelay"]
    let sources = names.map { name in report.first { $0.name == name }.map { "\($0.source)" } }
    #expect(sources == ["flag --max-sessions", "environment SESSIOND_MAX_RETRIES", "file \(temporary.path)"])
  }

  @Test(
    "What is wrong with a file is told with the file, the name and what is allowed",
    arguments: [
      (
        "maxSessions: many", "maxSessions is \"many\" (file FILE); allowed is a whole number from 1 to 100000000"
      ), ("maxSessions: true", "maxSessions is \"true\" (file FILE); allowed is a whole number from 1 to 100000000"),
      ("{\"maxSessions\": 1.5}", "maxSessions is \"1.5\" (file FILE); allowed is a whole number from 1 to 100000000"),
      ("enableAffinity: yes", "enableAffinity is \"yes\" (file FILE); allowed is true or false"),
      ("enableAffinity: 1", "enableAffinity is \"1\" (file FILE); allowed is true or false"),
      (
        "tokenFile: null", "the settings file FILE: tokenFile is null; allowed is a file's path, or to leave it out"
      ),
      (
        "maxSesions: 1",
        "the settings file FILE: there is no setting maxSesions; sessiond --print-config lists the names there are"
      ),
      (
        "maxSessions: {a: 1}",
        "the settings file FILE: maxSessions is no single value: it has maxSessions.a in it; sessiond --print-config "
          + "lists the names there are"
      ),
      (
        "config: other.yaml",
        "the settings file FILE: there is no setting config; sessiond --print-config lists the names there are"
      ),
      ("- maxSessions", "the settings file FILE: it is neither YAML nor JSON: Top level YAML value is not a mapping."),
      ("maxSessions: 1\nmaxSessions: 2", "the settings file FILE: it is neither YAML nor JSON: "),
      ("{\"maxSessions\": 1", "the settings file FILE: it is neither YAML nor JSON: "),
      ("maxSessions: [[1]]", "the settings file FILE: it is neither YAML nor JSON: "),
      ("\u{0}\u{1}", "the settings file FILE: it is neither YAML nor JSON: "),
    ])
  func wrong(text: String, message: String) throws {
    let temporary = try TemporaryFile(text)
    let error = #expect(throws: (any Error).self) { try source(temporary).read() }
    let told = "\(try #require(error))".replacing(temporary.path, with: "FILE")
    #expect(told.hasPrefix(message), "\(told)")
    #expect(!told.contains("\n"))
  }

  @Test(
    "A file without settings sets nothing", arguments: ["", "\n", "# nothing\n\n  # yet\r\n", "---\n", "{}"])
  func nothing(text: String) throws {
    try file(text).checkNames([])
    #expect(try file(text).text(of: "maxSessions", allowed: "") == nil)
  }

  @Test(
    "What cannot be read is told",
    arguments: [
      ("/no/such/file.yaml", "No such file or directory"), ("/tmp", "it is no file"),
      ("/dev/zero", "it is no file"),
    ])
  func unreadable(path: String, problem: String) {
    let error = #expect(throws: SettingsFileError.self) { try SettingsFile(path: path) }
    #expect(error?.description == "the settings file \(path): \(problem)")
  }

  @Test func aFileMayHaveAMebibyte() throws {
    let temporary = try TemporaryFile(String(repeating: "#", count: 1 << 20))
    _ = try SettingsFile(path: temporary.path)
    try temporary.write(String(repeating: "#", count: (1 << 20) + 1))
    #expect(throws: SettingsFileError.self) { try SettingsFile(path: temporary.path) }
  }

  /// The session manager's configuration in its reference, which is a YAML file but for the comments.
  @Test func everythingInTheReferencesConfigurationIsASetting() throws {
    let temporary = try TemporaryFile(
      """
      {
        databasePath: './orchestration.db',        # Database file path
        enableHealthChecks: true, healthCheckInterval: 30000, sessionTimeout: 300000, maxSessions: 100,
        enableMetrics: true, metricsInterval: 10000, enableLogging: true, logLevel: 'info', enableAffinity: true,
        enableMigration: true, maxRetries: 3, retryDelay: 1000, enableEmergencyShutdown: true
      }
      """)
    let defaults = try SettingsSource(flags: [:], environment: [:], processors: 2).read().report
    let report = try source(temporary).read().report
    #expect(report.count { "\($0.source)" == "file \(temporary.path)" } == 14)
    // All of them are the defaults.
    #expect(report.dropFirst().map(\.value) == defaults.dropFirst().map(\.value))
  }
}
