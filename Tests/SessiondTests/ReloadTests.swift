import AdminPort
import Foundation
import Logging
import Synchronization
import Testing

@testable import sessiond

/// Keeps what is logged.
private final class LogRecorder: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func logger(_ level: LogLevel) -> Logger {
    Logger(label: "test") { _ in LeveledLogHandler(Handler(recorder: self), level) }
  }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let metadata = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
      recorder.lines.withLock { $0.append("\(event.level) \(event.message) \(metadata)") }
    }
  }
}

@Suite struct ReloadTests {
  private let path = NSTemporaryDirectory() + "sessiond-reload-\(UUID().uuidString).yaml"
  private let recorder = LogRecorder()
  private let registry = PrometheusRegistry()
  private var instruments: Instruments { Instruments(registry) }

  private func count(_ result: String, of what: String) -> String? {
    var exposition = Exposition()
    exposition.write(registry)
    let sample = "sessiond_reloads_total{result=\"\(result)\",what=\"\(what)\"} "
    return exposition.text.split(separator: "\n").first { $0.hasPrefix(sample) }.map {
      String($0.dropFirst(sample.count))
    }
  }

  private func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

  private func begin(flags: [String: String] = [:]) throws -> SettingsReload {
    let source = SettingsSource(flags: flags.merging(["config": path]) { $1 }, environment: [:], processors: 2)
    let (settings, report) = try source.read()
    return SettingsReload(source: source, report: report, level: LogLevel(settings.logLevel))
  }

  @Test func theLevelFollowsTheFile() throws {
    try write("logLevel: warning\n")
    defer { unlink(path) }
    let reload = try begin()
    let logger = recorder.logger(reload.level)
    logger.info("unheard")
    try write("logLevel: debug\n")
    reload.reload(logger, instruments)
    logger.debug("heard")
    #expect(reload.level.logsCalls)
    try write("{}")
    reload.reload(logger, instruments)
    logger.debug("unheard")
    #expect(!reload.level.logsCalls)
    let reloaded = "notice settings reloaded log_level="
    #expect(recorder.all == [reloaded + "debug", "debug heard ", reloaded + "info"])
    #expect(count("success", of: "settings") == "2")
    #expect(count("failure", of: "settings") == nil)
  }

  @Test func aWrongFileChangesNothing() throws {
    try write("logLevel: debug\n")
    defer { unlink(path) }
    let reload = try begin()
    for wrong in ["logLevel: loud\n", "logLevel: info\nmaxSesions: 1\n", "logLevel: [\n"] {
      try write(wrong)
      reload.reload(recorder.logger(reload.level), instruments)
      #expect(reload.level.current == .debug)
    }
    unlink(path)
    reload.reload(recorder.logger(reload.level), instruments)
    #expect(reload.level.current == .debug)
    #expect(recorder.all.count == 4)
    #expect(count("success", of: "settings") == nil)
    #expect(count("failure", of: "settings") == "4")
    #expect(recorder.all.allSatisfy { $0.hasPrefix("error the settings stay as they were cause=") })
  }

  @Test func aFlagStillWins() throws {
    try write("logLevel: debug\n")
    defer { unlink(path) }
    let reload = try begin(flags: ["log-level": "error"])
    reload.reload(recorder.logger(reload.level), instruments)
    #expect(reload.level.current == .error)
  }

  @Test func whatOnlyANewStartFollowsIsTold() throws {
    try write("maxSessions: 5\n")
    defer { unlink(path) }
    let reload = try begin()
    try write("maxRetries: 5\n")
    reload.reload(recorder.logger(reload.level), instruments)
    let told = "warning settings have changed that only a new start follows settings=maxSessions maxRetries"
    #expect(recorder.all.last == told)
  }

  @Test func withoutAFileThereIsNothingToRead() throws {
    let source = SettingsSource(flags: ["log-level": "debug"], environment: [:], processors: 2)
    let reload = SettingsReload(source: source, report: try source.read().report, level: LogLevel(.error))
    reload.reload(recorder.logger(reload.level), instruments)
    #expect(reload.level.current == .error && recorder.all == [])
    #expect(count("success", of: "settings") == nil)
  }

  @Test(
    "A level of a logger's own is the least it logs",
    arguments: [
      (Logger.Level.trace, Logger.Level.info, Logger.Level.info), (.debug, .info, .info), (.error, .info, .error),
      (.error, .trace, .error),
    ])
  func least(level: Logger.Level, own: Logger.Level, result: Logger.Level) {
    var logger = recorder.logger(LogLevel(level))
    logger.logLevel = own
    #expect(logger.logLevel == result)
  }
}
