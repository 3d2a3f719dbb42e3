import Logging
import RPCTransport
import SessionDomain
import SessionServices
import SessionStore

/// Everything that can be set. Each setting is named once, where it is read, in the order in which `--help` and
/// `--print-config` list them; its flag and its environment variable follow from the name.
struct Settings: Sendable {
  let listen: ListenAddress
  let admin: AdminSettings
  let security: SecuritySettings
  let store: SessionStoreSettings
  let lifecycle: LifecycleHandler.Features
  let server: ServerConfiguration
  let eventLoops: Int
  let sessionCacheBytes: Int
  let eventCacheCount: Int
  let shutdownGrace: Duration
  let enableAffinity: Bool
  let enableReflection: Bool
  let enableLogging: Bool
  let logLevel: Logger.Level

  /// Reads all settings.
  /// - Throws: `SettingError` for the first wrong one, `UnknownFlagError` for a flag that is none, `SettingsFileError`.
  init(_ reader: inout SettingReader, processors: Int) throws {
    try reader.readFile()
    listen = try reader.read(
      Setting(
        "listen", default: "127.0.0.1:50051", "HOST:PORT, the port from 0 to 65535",
        "Where to listen; port 0 takes a free one."
      ) { ListenAddress($0) })
    admin = try AdminSettings(&reader)
    security = try SecuritySettings(&reader)
    store = try SessionStoreSettings(&reader, processors: processors)
    lifecycle = try LifecycleHandler.Features(&reader)
    server = try ServerConfiguration(&reader)
    eventLoops = try reader.read(
      .count("eventLoops", default: processors, 1...256, "Threads that serve connections."))
    sessionCacheBytes = try reader.read(
      .count("sessionCacheBytes", default: 64 << 20, 0...(1 << 40), "Bytes of sessions kept in memory."))
    eventCacheCount = try reader.read(
      .count("eventCacheCount", default: 65_536, 1...100_000_000, "Events kept in memory."))
    shutdownGrace = try reader.read(
      .milliseconds(
        "shutdownGrace", default: .seconds(10), 0...3_600_000, "How long calls may take to finish at shutdown."))
    enableAffinity = try reader.read(
      .flag("enableAffinity", default: true, "Whether sessions can have others that work for them."))
    enableReflection = try reader.read(
      .flag("enableReflection", default: true, "Whether to tell clients what is served, and its proto files."))
    enableLogging = try reader.read(.flag("enableLogging", default: true, "Whether to log at all."))
    logLevel = try reader.read(.choice("logLevel", default: .info, "How much to log; debug logs every call."))
    try reader.finish()
  }
}

extension SessionStoreSettings {
  fileprivate init(_ reader: inout SettingReader, processors: Int) throws {
    self.init(
      path: try reader.read(
        Setting("databasePath", default: "./orchestration.db", "a file's path", "The database file.") {
          $0.isEmpty ? nil : $0
        }))
    try reader.count("maxSessions", 1...100_000_000, "Sessions in no final status, at most.", &maxSessions)
    try reader.milliseconds(
      "sessionTimeout", 0...31_536_000_000, "Until unused sessions become idle, then end. 0: never.",
      &sessionTimeout)
    capacity = try ResourceCapacity(&reader)
    metadataIndexes = try reader.read(
      Setting(
        "metadataIndexes", default: "", MetadataPath.allowed, "Keys of the metadata to index: domain,config->region."
      ) { MetadataPath.list($0) })
    recordsMetrics = try reader.read(
      .flag("enableMetrics", default: recordsMetrics, "Whether to count what sessions report, and to tell of it."))
    try reader.milliseconds(
      "metricsInterval", 100...86_400_000, "How long reports and activity may take to be in the file.",
      &metricsInterval)
    try reader.milliseconds(
      "metricsWindow", 100...86_400_000, "How far back error rates and response times go.", &metricsWindow)
    enableHealthChecks = try reader.read(
      .flag(
        "enableHealthChecks", default: enableHealthChecks,
        "Whether sessions whose health can have changed are looked at regularly."))
    try reader.milliseconds(
      "healthCheckInterval", 10...86_400_000, "How often to look at them.", &healthCheckInterval)
    healthThresholds = try HealthThresholds(&reader)
    try reader.milliseconds(
      "ackTimeout", 1...31_536_000_000, "How long a message may be in delivery before it is delivered again.",
      &ackTimeout)
    try reader.count("maxRetries", 0...1_000_000, "How often a message that failed is delivered again.", &maxRetries)
    try reader.milliseconds(
      "retryDelay", 0...31_536_000_000, "How long a message that failed waits to be delivered again.", &retryDelay)
    try reader.milliseconds(
      "eventRetention", 1...3_153_600_000_000, "How long events are kept.", &eventRetention)
    try reader.count("eventRetentionCount", 1...1_000_000_000, "How many events are kept.", &eventRetentionCount)
    try reader.count(
      "searchMemoryBytes", 0...(1 << 40), "Bytes of texts to search in; with more, the file is read.",
      &searchMemoryBytesMax)
    readerCount = max(2, processors)
    try reader.count("readers", 1...64, "Threads that read the database.", &readerCount)
    try reader.milliseconds("queryTimeout", 10...3_600_000, "How long one list or search may take.", &readTimeLimit)
  }
}

extension ResourceCapacity {
  fileprivate init(_ reader: inout SettingReader) throws {
    self.init()
    func limit(
      _ name: String, _ example: String, _ help: String, _ parse: @escaping @Sendable (String) -> Int64?
    ) throws -> Int64? {
      try reader.read(
        Setting(name, default: "", "\(example), or nothing for no limit", help) { text in
          text.isEmpty ? .some(nil) : parse(text).map { .some($0) }
        })
    }
    memoryBytes = try limit("capacityMemory", "bytes, such as 64g", "Memory for all sessions together.", Units.bytes)
    cpuMillicores = try limit("capacityCpu", "cores, such as 16", "Cores for all sessions together.", Units.millicores)
    diskBytes = try limit("capacityDisk", "bytes, such as 1t", "Disk space for all sessions together.", Units.bytes)
  }
}

extension LifecycleHandler.Features {
  fileprivate init(_ reader: inout SettingReader) throws {
    self.init()
    migration = try reader.read(
      .flag("enableMigration", default: migration, "Whether sessions may move to other workspaces."))
    emergencyShutdown = try reader.read(
      .flag("enableEmergencyShutdown", default: emergencyShutdown, "Whether all sessions may be ended at once."))
  }
}

extension ServerConfiguration {
  fileprivate init(_ reader: inout SettingReader) throws {
    self.init()
    try reader.count("maxMessageBytes", 1024...(256 << 20), "Bytes of one request message.", &messageBytesMax)
    try reader.count(
      "maxHeaderListBytes", 1024...(1 << 20), "Bytes of one request's headers.", &http2.headerListBytesMax)
    try reader.count(
      "maxConcurrentStreams", 1...1_000_000, "Calls at once on one connection.", &http2.concurrentStreamsMax)
    try reader.count(
      "resetsBurst", 1...1_000_000, "Calls that a client may cancel at once before its connection ends.",
      &http2.resetsBurst)
    try reader.count("resetsPerSecond", 1...1_000_000, "And so many more each second.", &http2.resetsPerSecond)
    try reader.count("maxConnections", 1...1_000_000, "Connections at once.", &connectionsMax)
    try reader.count(
      "maxConnectionUnsentBytes", 65_536...(1 << 30), "Bytes that may wait for one connection's reader.",
      &connectionUnsentBytesMax)
    try reader.count(
      "maxStreamUnsentBytes", 1024...(1 << 30), "Bytes that may wait for one call's reader.", &streamUnsentBytesMax)
    try reader.count(
      "maxRequestBytesInFlight", 1 << 20...(1 << 40), "Bytes that the requests of all connections may hold.",
      &requestBytesMax)
    limits = try ConnectionLimits(&reader)
  }
}
