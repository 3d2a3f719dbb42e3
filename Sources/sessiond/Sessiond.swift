import ArgumentParser
import Foundation

/// The command line.
@main
struct Sessiond: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "sessiond",
    abstract: "The session manager for multi-agent workflows: gRPC on the wire, one SQLite file.",
    usage: "sessiond [--SETTING VALUE ...] [--print-config]\nsessiond token <subcommand>",
    discussion: """
      Every setting is a flag, or an environment variable of the same words: --max-sessions, SESSIOND_MAX_SESSIONS; or \
      it is in a file, --config FILE, as maxSessions. A flag wins over the environment, which wins over the file. Times \
      are in milliseconds. --print-config prints every setting, its value and where it came from.

      SETTINGS, and their defaults:
      \(settingsHelp)
      """,
    version: Self.version, subcommands: [Serve.self, TokenCommand.self], defaultSubcommand: Serve.self)

  private static var settingsHelp: String {
    var reader = SettingReader(flags: [:], environment: [:])
    // Defaults are never refused, and what was read before a refusal would be listed all the same.
    _ = try? Settings(&reader, processors: ProcessInfo.processInfo.activeProcessorCount)
    return reader.report.map { "  --\($0.flag) \($0.value)\n      \($0.help)" }.joined(separator: "\n")
  }
}

/// What `sessiond` does unless it is told otherwise.
private struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(shouldDisplay: false)

  @Flag(help: .private) var printConfig = false
  // Settings are named in `Settings` alone, so that the parser of commands does not know them.
  @Argument(parsing: .allUnrecognized, help: .private) var settings: [String] = []

  func run() async throws {
    do {
      let processInfo = ProcessInfo.processInfo
      let source = SettingsSource(
        flags: try parseFlags(settings), environment: processInfo.environment,
        processors: processInfo.activeProcessorCount)
      let (settings, report) = try source.read()
      if printConfig {
        for entry in report { print("\(entry.name)\t\(entry.value)\t\(entry.source)") }
        return
      }
      let reload = SettingsReload(source: source, report: report, level: LogLevel(settings.logLevel))
      try await Server(settings, reload).run()
    } catch {
      // One line that says what to change; everything that stops the start describes itself so.
      FileHandle.standardError.write(Data("sessiond: \(error)\n".utf8))
      throw ExitCode.failure
    }
  }
}
