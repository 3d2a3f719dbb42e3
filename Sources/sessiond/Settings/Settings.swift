import Logging
import RPCTransport
import SessionStore

/// Everything that can be set.
struct Settings: Sendable {
  let listen: ListenAddress
  let store: SessionStoreSettings
  let server: ServerConfiguration
  let eventLoops: Int
  let sessionCacheBytes: Int
  let eventCacheCount: Int
  let shutdownGrace: Duration
  let enableLogging: Bool
  let logLevel: Logger.Level

  /// Reads all settings.
  /// - Throws: `SettingError` for the first wrong one.
  init(_ reader: inout SettingReader, processors: Int) throws {
    listen = try reader.read(
      Setting("listen", default: "127.0.0.1:50051", "HOST:PORT, the port from 0 to 65535") { ListenAddress($0) })
    var store = SessionStoreSettings(
      path: try reader.read(
        Setting("databasePath", default: "./orchestration.db", "a file's path") { $0.isEmpty ? nil : $0 }))
    store.maxSessions = try reader.read(.count("maxSessions", default: 100, 1...100_000_000))
    store.eventRetention = try reader.read(
      .milliseconds("eventRetention", default: 604_800_000, 1...3_153_600_000_000))
    store.eventRetentionCount = try reader.read(.count("eventRetentionCount", default: 1_000_000, 1...1_000_000_000))
    store.readerCount = try reader.read(.count("readers", default: max(2, processors), 1...64))
    store.readTimeLimit = try reader.read(.milliseconds("queryTimeout", default: 10_000, 10...3_600_000))
    self.store = store

    var server = ServerConfiguration()
    server.messageBytesMax = try reader.read(
      .count("maxMessageBytes", default: server.messageBytesMax, 1024...(256 << 20)))
    server.http2.headerListBytesMax = UInt32(
      try reader.read(.count("maxHeaderListBytes", default: Int(server.http2.headerListBytesMax), 1024...(1 << 20))))
    server.http2.concurrentStreamsMax = UInt32(
      try reader.read(
        .count("maxConcurrentStreams", default: Int(server.http2.concurrentStreamsMax), 1...1_000_000)))
    server.http2.resetsBurst = UInt64(
      try reader.read(.count("resetsBurst", default: Int(server.http2.resetsBurst), 1...1_000_000)))
    server.http2.resetsPerSecond = UInt64(
      try reader.read(.count("resetsPerSecond", default: Int(server.http2.resetsPerSecond), 1...1_000_000)))
    server.connectionsMax = try reader.read(.count("maxConnections", default: server.connectionsMax, 1...1_000_000))
    server.connectionUnsentBytesMax = try reader.read(
      .count("maxConnectionUnsentBytes", default: server.connectionUnsentBytesMax, 65_536...(1 << 30)))
    server.streamUnsentBytesMax = try reader.read(
      .count("maxStreamUnsentBytes", default: server.streamUnsentBytesMax, 1024...(1 << 30)))
    self.server = server

    eventLoops = try reader.read(.count("eventLoops", default: processors, 1...256))
    sessionCacheBytes = try reader.read(.count("sessionCacheBytes", default: 64 << 20, 0...(1 << 40)))
    eventCacheCount = try reader.read(.count("eventCacheCount", default: 65_536, 1...100_000_000))
    shutdownGrace = try reader.read(.milliseconds("shutdownGrace", default: 10_000, 0...3_600_000))
    enableLogging = try reader.read(Setting("enableLogging", default: "true", "true or false") { Bool($0) })
    logLevel = try reader.read(
      Setting("logLevel", default: "info", Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")) {
        Logger.Level(rawValue: $0)
      })
  }
}

/// Where to listen.
struct ListenAddress: Sendable {
  let host: String
  let port: Int

  /// Reads `HOST:PORT`; an IPv6 address stands in brackets.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self.host = String(host)
    self.port = port
  }
}
