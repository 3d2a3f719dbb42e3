import ArgumentParser
import Foundation

/// The command line.
@main
struct Sessiond: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessiond",
    abstract: "The session manager for multi-agent workflows: gRPC on the wire, one SQLite file.",
    discussion: """
      Every setting is a flag, or an environment variable of the same words: --max-sessions, SESSIOND_MAX_SESSIONS. \
      A flag wins over the environment. Times are in milliseconds.
      """,
    version: "0.1.0")

  @Option(help: ArgumentHelp("Where to listen (127.0.0.1:50051); port 0 takes a free one.", valueName: "host:port"))
  var listen: String?
  @Option(help: ArgumentHelp("The database file (./orchestration.db).", valueName: "file"))
  var databasePath: String?
  @Option(help: "Sessions in no final status, at most (100).")
  var maxSessions: String?
  @Option(help: "How long events are kept (604800000).")
  var eventRetention: String?
  @Option(help: "How many events are kept (1000000).")
  var eventRetentionCount: String?
  @Option(help: "Threads that read the database (one per processor, at least 2).")
  var readers: String?
  @Option(help: "How long one list or search may take (10000).")
  var queryTimeout: String?
  @Option(help: "Bytes of one request message (4194304).")
  var maxMessageBytes: String?
  @Option(help: "Bytes of one request's headers (16384).")
  var maxHeaderListBytes: String?
  @Option(help: "Calls at once on one connection (1000).")
  var maxConcurrentStreams: String?
  @Option(help: "Calls that a client may cancel at once before its connection ends (1000).")
  var resetsBurst: String?
  @Option(help: "And so many more each second (100).")
  var resetsPerSecond: String?
  @Option(help: "Connections at once (10000).")
  var maxConnections: String?
  @Option(help: "Bytes that may wait for one connection's reader (1048576).")
  var maxConnectionUnsentBytes: String?
  @Option(help: "Bytes that may wait for one call's reader (65536).")
  var maxStreamUnsentBytes: String?
  @Option(help: "Threads that serve connections (one per processor).")
  var eventLoops: String?
  @Option(help: "Bytes of sessions kept in memory (67108864).")
  var sessionCacheBytes: String?
  @Option(help: "Events kept in memory (65536).")
  var eventCacheCount: String?
  @Option(help: "How long calls may take to finish at shutdown (10000).")
  var shutdownGrace: String?
  @Option(help: "Whether to log at all (true).")
  var enableLogging: String?
  @Option(help: "trace, debug, info, notice, warning, error or critical (info); debug logs every call.")
  var logLevel: String?
  @Flag(help: "Print every setting, its value and where it came from, and exit.")
  var printConfig = false

  private var flags: [String: String] {
    let given: [String: String?] = [
      "listen": listen, "database-path": databasePath, "max-sessions": maxSessions, "event-retention": eventRetention,
      "event-retention-count": eventRetentionCount, "readers": readers, "query-timeout": queryTimeout,
      "max-message-bytes": maxMessageBytes,
      "max-header-list-bytes": maxHeaderListBytes, "max-concurrent-streams": maxConcurrentStreams,
      "resets-burst": resetsBurst, "resets-per-second": resetsPerSecond, "max-connections": maxConnections,
      "max-connection-unsent-bytes": maxConnectionUnsentBytes, "max-stream-unsent-bytes": maxStreamUnsentBytes,
      "event-loops": eventLoops, "session-cache-bytes": sessionCacheBytes, "event-cache-count": eventCacheCount,
      "shutdown-grace": shutdownGrace, "enable-logging": enableLogging, "log-level": logLevel,
    ]
    return given.compactMapValues { $0 }
  }

  func run() async throws {
    do {
      let processInfo = ProcessInfo.processInfo
      var reader = SettingReader(flags: flags, environment: processInfo.environment)
      let settings = try Settings(&reader, processors: processInfo.activeProcessorCount)
      if printConfig {
        for line in reader.report { print("\(line.name)\t\(line.value)\t\(line.source)") }
        return
      }
      try await Server(settings).run()
    } catch {
      // One line that says what to change; everything that stops the start describes itself so.
      FileHandle.standardError.write(Data("sessiond: \(error)\n".utf8))
      throw ExitCode.failure
    }
  }
}
