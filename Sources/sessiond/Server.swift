import AdminPort
import Foundation
import Glibc
import Logging
import Metrics
import NIOCore
import RPCCore
import RPCServices
import RPCTransport
import ServiceLifecycle
import SessionAPI
import SessionDomain
import SessionServices
import SessionStore
import UnixSignals

/// Puts the server together. The only place that knows every concrete type.
struct Server {
  private let settings: Settings
  private let reload: SettingsReload
  private let logger: Logger
  private let observation = Observation()

  init(_ settings: Settings, _ reload: SettingsReload) {
    self.settings = settings
    self.reload = reload
    logger = Logger(label: "sessiond") { label -> any LogHandler in
      guard settings.enableLogging else { return SwiftLogNoOpLogHandler() }
      return LeveledLogHandler(StreamLogHandler.standardError(label: label), reload.level)
    }
  }

  /// Serves until SIGTERM or SIGINT.
  func run() async throws {
    // A file that may grow no further fails the write, as a full disk does, and ends nothing.
    signal(SIGXFSZ, SIG_IGN)
    // Before anything is made that records; without an admin port nobody would read it.
    if settings.admin.listen != nil { MetricsSystem.bootstrap(observation.registry) }
    // There from before the file is opened, which may take long, until all else is over.
    let port = try await openAdminPort()
    do {
      try await serve()
    } catch {
      await port?.shutDown()
      throw error
    }
    await port?.shutDown()
  }

  private func openAdminPort() async throws -> AdminServer? {
    guard let listen = settings.admin.listen else { return nil }
    do {
      let port = try await AdminServer(
        host: listen.host, port: listen.port, configuration: settings.admin.port,
        answered: { [observation] in observation.answered($0, $1) },
        answer: { [observation] in observation.answer($0) })
      announce("sessiond admin port on \(place(of: port.address, listen))")
      return port
    } catch {
      throw ListenError(setting: "adminListen", listen: listen, cause: error)
    }
  }

  private func serve() async throws {
    let security = try Security(settings.security)
    security.warn(logger)
    let clock = SystemClock()
    let changes = CommittedChanges(sessionBytesMax: settings.sessionCacheBytes, eventsMax: settings.eventCacheCount)
    let repository = try SQLiteSessionRepository(
      settings: settings.store, clock: clock, idGenerator: MonotonicIDGenerator(clock: clock), observer: changes
    ) { [logger] in logger.log($0) }
    let health = HealthService(services: [
      SessionServiceMethods.name, LifecycleServiceMethods.name, EventServiceMethods.name, TemplateServiceMethods.name,
      AffinityServiceMethods.name, MessageServiceMethods.name, MetricsServiceMethods.name,
      SessionHealthServiceMethods.name,
    ])
    let messages = MessageHandler(repository: repository, isAffinityEnabled: settings.enableAffinity)
    var configuration = settings.server
    let calls = MetricsInterceptor(eventLoops: settings.eventLoops)
    configuration.interceptors = [CallLog(logger, reload.level), TraceInterceptor(), calls]
    if let (_, control) = security.tokens {
      configuration.interceptors.append(AccessInterceptor(control, policy: .contract))
    }
    configuration.completesError = { $0.withInfo(domain: "sessiond") }
    let instruments = Instruments()
    configuration.connectionRefused = { instruments.connectionRefused() }
    configuration.handshakeFailed = { [logger] address, reason in
      instruments.handshakeFailed()
      logger.info("TLS handshake failed", metadata: ["peer": "\(address)", "cause": "\(reason)"])
    }
    var rpcServices: [any RPCService] = [
      SessionHandler(repository: repository, changes: changes),
      LifecycleHandler(repository: repository, features: settings.lifecycle),
      EventHandler(repository: repository, changes: changes),
      TemplateHandler(repository: repository),
      AffinityHandler(repository: repository, isEnabled: settings.enableAffinity),
      messages,
      MetricsHandler(
        repository: repository, changes: changes, isEnabled: settings.store.recordsMetrics,
        interval: settings.store.metricsInterval),
      SessionHealthHandler(repository: repository, changes: changes),
      health,
    ]
    if settings.enableReflection { rpcServices += try ReflectionService.versions(describing: rpcServices) }
    let rpc = RPCServer(services: rpcServices, configuration: configuration, threads: settings.eventLoops)

    let serving = ServingService(
      rpc: rpc, security: security.transport, repository: repository, changes: changes, messages: messages,
      health: health, observation: observation, calls: calls, settings: settings, logger: logger)
    var services: [any Service] = [serving, BookmarkTicker(changes: changes), MemoryTrim()]
    if security.hasFiles || reload.source.hasFile {
      // Caught from before anybody can know that the server is there. Without files a hangup ends it, as it ends all
      // programs of a terminal.
      let hangups = await UnixSignalsSequence(trapping: .sighup)
      services.append(
        Reload(hangups: hangups, settings: reload, security: security, instruments: instruments, logger: logger))
    }
    // At debug the lifecycle's own steps would drown the calls.
    var lifecycleLogger = logger
    lifecycleLogger.logLevel = .info
    let group = ServiceGroup(
      configuration: .init(
        services: services.map { .init(service: $0) },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: lifecycleLogger))
    try await group.run()
  }
}

/// Listens, serves, and on shutdown says so, lets calls finish, and closes the file.
private struct ServingService: Service {
  let rpc: RPCServer
  let security: ServerSecurity
  let repository: SQLiteSessionRepository
  let changes: CommittedChanges
  let messages: MessageHandler
  let health: HealthService
  let observation: Observation
  let calls: MetricsInterceptor
  let settings: Settings
  let logger: Logger

  func run() async throws {
    let address: SocketAddress
    do {
      address = try await rpc.start(host: settings.listen.host, port: settings.listen.port, security: security)
    } catch {
      await repository.close()
      throw ListenError(setting: "listen", listen: settings.listen, cause: error)
    }
    observation.serves(.init(rpc: rpc, calls: calls, repository: repository, changes: changes))
    let file = URL(fileURLWithPath: settings.store.path).path
    announce("sessiond listening on \(place(of: address, settings.listen)), database \(file)")
    try await gracefulShutdown()
    logger.info("shutting down")
    observation.drains()
    health.shutDown()
    changes.shutDown()
    messages.shutDown()
    do {
      try await rpc.shutDown(grace: settings.shutdownGrace)
    } catch {
      // The file is closed all the same, which matters more.
      logger.error("the connections did not close well", metadata: ["cause": "\(error)"])
    }
    await repository.close()
  }
}

private func place(of address: SocketAddress, _ wanted: ListenAddress) -> String {
  "\(address.ipAddress ?? wanted.host):\(address.port ?? wanted.port)"
}

// Not by the logger, whose level may be above it: whoever starts the server needs these lines.
private func announce(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

/// Lets watchers look, every second, whether their stream was quiet for long enough to get a bookmark.
private struct BookmarkTicker: Service {
  let changes: CommittedChanges

  func run() async throws {
    await cancelWhenGracefulShutdown {
      // Cancellation is how the loop ends.
      while (try? await Task.sleep(for: .seconds(1))) != nil { changes.tick() }
    }
  }
}

/// The address cannot be listened on.
private struct ListenError: Error, CustomStringConvertible {
  let setting: String
  let listen: ListenAddress
  let cause: any Error

  var description: String {
    if cause is PlaintextRefused {
      return """
        listen is "\(listen)", which is not this machine alone, and nothing would protect what is sent; set \
        tlsCertificateFile and tlsKeyFile, or allowPlaintext if the network protects it
        """
    }
    return "cannot listen on \(listen), which is \(setting): \(cause)"
  }
}
