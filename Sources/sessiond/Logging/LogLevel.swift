import Logging
import Synchronization

/// How much is logged; may change while the server runs.
final class LogLevel: Sendable {
  private let number: Atomic<Int>
  // Of its own, since every call asks.
  private let includesCalls: Atomic<Bool>

  init(_ level: Logger.Level) {
    number = Atomic(level.number)
    includesCalls = Atomic(level <= .debug)
  }

  var current: Logger.Level { Logger.Level.allCases[number.load(ordering: .relaxed)] }

  /// Whether each call is logged. Asking costs next to nothing.
  var logsCalls: Bool { includesCalls.load(ordering: .relaxed) }

  func set(_ level: Logger.Level) {
    number.store(level.number, ordering: .relaxed)
    includesCalls.store(level <= .debug, ordering: .relaxed)
  }
}

extension Logger.Level {
  // By severity, as the cases stand.
  fileprivate var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Logs what is at the level of the moment. The level of a logger of its own is the least that it logs, whatever that is.
struct LeveledLogHandler: LogHandler {
  private var handler: any LogHandler
  private let level: LogLevel
  private var least = Logger.Level.trace

  init(_ handler: any LogHandler, _ level: LogLevel) {
    self.handler = handler
    self.level = level
  }

  var logLevel: Logger.Level {
    get { max(least, level.current) }
    set { least = newValue }
  }

  var metadata: Logger.Metadata {
    get { handler.metadata }
    set { handler.metadata = newValue }
  }

  var metadataProvider: Logger.MetadataProvider? {
    get { handler.metadataProvider }
    set { handler.metadataProvider = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { handler[metadataKey: key] }
    set { handler[metadataKey: key] = newValue }
  }

  func log(event: LogEvent) { handler.log(event: event) }
}
