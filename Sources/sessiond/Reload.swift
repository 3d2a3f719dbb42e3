import Logging
import ServiceLifecycle
import UnixSignals

/// Reads certificates and tokens again at every SIGHUP. What is wrong with a file leaves in use what it held before.
struct SecurityReload: Service {
  let hangups: UnixSignalsSequence
  let security: Security
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      for await _ in hangups { security.reload(logger) }
    }
  }
}
