import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the settings file, certificates and tokens again at every SIGHUP. What is wrong with one leaves in use what it
/// held before.
struct Reload: Service {
  let hangups: UnixSignalsSequence
  let settings: SettingsReload
  let security: Security
  let instruments: Instruments
  let logger: Logger

  func run() async throws {
    if settings.source.hasFile { instruments.mayReload(.settings) }
    security.begin(instruments)
    await cancelWhenGracefulShutdown {
      for await _ in hangups {
        settings.reload(logger, instruments)
        security.reload(logger, instruments)
      }
    }
  }
}

/// Takes over what of the settings may change while the server runs, which is the log level.
struct SettingsReload: Sendable {
  let source: SettingsSource
  /// What the server started with.
  let report: [SettingReader.Entry]
  let level: LogLevel

  /// Reads the settings again, where there is a file that may have changed.
  func reload(_ logger: Logger, _ instruments: Instruments) {
    guard source.hasFile else { return }
    do {
      let (settings, now) = try source.read()
      level.set(settings.logLevel)
      instruments.reloaded(.settings, succeeded: true)
      logger.notice("settings reloaded", metadata: ["log_level": "\(settings.logLevel)"])
      let waiting = zip(report, now).filter { $0.value != $1.value && $0.name != "logLevel" }.map(\.0.name)
      if !waiting.isEmpty {
        logger.warning(
          "settings have changed that only a new start follows",
          metadata: ["settings": "\(waiting.joined(separator: " "))"])
      }
    } catch {
      instruments.reloaded(.settings, succeeded: false)
      logger.error("the settings stay as they were", metadata: ["cause": "\(error)"])
    }
  }
}
