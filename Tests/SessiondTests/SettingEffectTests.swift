import Logging
import SessionDomain
import Testing

@testable import sessiond

/// A setting, a value that is not its default, and whether the server's parts are told so.
private struct SettingCase: CustomTestStringConvertible {
  let name: String
  let text: String
  let others: [String: String]
  let isTaken: @Sendable (Settings) -> Bool

  init(
    _ name: String, _ text: String, with others: [String: String] = [:],
    _ isTaken: @escaping @Sendable (Settings) -> Bool
  ) {
    self.name = name
    self.text = text
    self.others = others
    self.isTaken = isTaken
  }

  var testDescription: String { name }
}

private let certificate = ["tlsCertificateFile": "c.pem", "tlsKeyFile": "k.pem"]
private let authority = ["tlsClientCAFile": "a.pem", "tlsClientCertificates": "optional"]

private let cases: [SettingCase] = [
  .init("listen", "[::1]:7") { $0.listen.host == "::1" && $0.listen.port == 7 },
  .init("adminListen", "localhost:8") { $0.admin.listen?.host == "localhost" && $0.admin.listen?.port == 8 },
  .init("adminMaxConnections", "21") { $0.admin.port.connectionsMax == 21 },
  .init("adminMaxHeaderBytes", "300") { $0.admin.port.headBytesMax == 300 },
  .init("adminTimeout", "31") { $0.admin.port.timeout == .milliseconds(31) },

  .init("tlsCertificateFile", "d.pem", with: certificate) { $0.security.tls?.certificateFile == "d.pem" },
  .init("tlsKeyFile", "l.pem", with: certificate) { $0.security.tls?.keyFile == "l.pem" },
  .init("tlsClientCAFile", "b.pem", with: certificate.merging(authority) { $1 }) {
    $0.security.tls?.clientCertificates == .optional(authorityFile: "b.pem")
  },
  .init("tlsClientCertificates", "required", with: certificate.merging(authority) { $1 }) {
    $0.security.tls?.clientCertificates == .required(authorityFile: "a.pem")
  },
  .init("tlsMinimumVersion", "1.3", with: certificate) { $0.security.tls?.minimumVersion == .tls13 },
  .init("allowPlaintext", "true") { $0.security.allowPlaintext },
  .init("tokenFile", "t") { $0.security.tokenFile?.path == "t" },

  .init("databasePath", "d.db") { $0.store.path == "d.db" },
  .init("maxSessions", "41") { $0.store.maxSessions == 41 },
  .init("sessionTimeout", "42") { $0.store.sessionTimeout == .milliseconds(42) },
  .init("capacityMemory", "43b") { $0.store.capacity.memoryBytes == 43 },
  .init("capacityCpu", "44m") { $0.store.capacity.cpuMillicores == 44 },
  .init("capacityDisk", "45b") { $0.store.capacity.diskBytes == 45 },
  .init("metadataIndexes", "a->b") { $0.store.metadataIndexes.map(\.keys) == [["a", "b"]] },
  .init("enableMetrics", "false") { !$0.store.recordsMetrics },
  .init("metricsInterval", "146") { $0.store.metricsInterval == .milliseconds(146) },
  .init("metricsWindow", "147") { $0.store.metricsWindow == .milliseconds(147) },
  .init("enableHealthChecks", "false") { !$0.store.enableHealthChecks },
  .init("healthCheckInterval", "48") { $0.store.healthCheckInterval == .milliseconds(48) },
  .init("healthErrorRateDegraded", "0.01") { $0.store.healthThresholds.errorRate.degraded == 0.01 },
  .init("healthErrorRateUnhealthy", "0.52") { $0.store.healthThresholds.errorRate.unhealthy == 0.52 },
  .init("healthErrorRateMinimum", "53") { $0.store.healthThresholds.errorRateProcessedMin == 53 },
  .init("healthMemoryDegraded", "0.54") { $0.store.healthThresholds.memory.degraded == 0.54 },
  .init("healthMemoryUnhealthy", "1.55") { $0.store.healthThresholds.memory.unhealthy == 1.55 },
  .init("healthCpuDegraded", "0.56") { $0.store.healthThresholds.cpu.degraded == 0.56 },
  .init("healthCpuUnhealthy", "1.57") { $0.store.healthThresholds.cpu.unhealthy == 1.57 },
  .init("healthQueueDegraded", "0.58") { $0.store.healthThresholds.queue.degraded == 0.58 },
  .init("healthQueueUnhealthy", "0.98") { $0.store.healthThresholds.queue.unhealthy == 0.98 },
  .init("healthQueueLimit", "60") { $0.store.healthThresholds.queueLimitDefault == 60 },
  .init("healthInactivityDegraded", "0.61") { $0.store.healthThresholds.inactivity.degraded == 0.61 },
  .init("healthInactivityUnhealthy", "1.62") { $0.store.healthThresholds.inactivity.unhealthy == 1.62 },
  .init("ackTimeout", "63") { $0.store.ackTimeout == .milliseconds(63) },
  .init("maxRetries", "64") { $0.store.maxRetries == 64 },
  .init("retryDelay", "65") { $0.store.retryDelay == .milliseconds(65) },
  .init("eventRetention", "66") { $0.store.eventRetention == .milliseconds(66) },
  .init("eventRetentionCount", "67") { $0.store.eventRetentionCount == 67 },
  .init("searchMemoryBytes", "68") { $0.store.searchMemoryBytesMax == 68 },
  .init("readers", "9") { $0.store.readerCount == 9 },
  .init("queryTimeout", "70") { $0.store.readTimeLimit == .milliseconds(70) },

  .init("enableMigration", "false") { !$0.lifecycle.migration && $0.lifecycle.emergencyShutdown },
  .init("enableEmergencyShutdown", "false") { !$0.lifecycle.emergencyShutdown && $0.lifecycle.migration },
  .init("enableAffinity", "false") { !$0.enableAffinity },
  .init("enableReflection", "false") { !$0.enableReflection },
  .init("enableLogging", "false") { !$0.enableLogging },
  .init("logLevel", "warning") { $0.logLevel == .warning },

  .init("maxMessageBytes", "2001") { $0.server.messageBytesMax == 2001 },
  .init("maxHeaderListBytes", "2002") { $0.server.http2.headerListBytesMax == 2002 },
  .init("maxConcurrentStreams", "2003") { $0.server.http2.concurrentStreamsMax == 2003 },
  .init("resetsBurst", "2004") { $0.server.http2.resetsBurst == 2004 },
  .init("resetsPerSecond", "2005") { $0.server.http2.resetsPerSecond == 2005 },
  .init("maxConnections", "2006") { $0.server.connectionsMax == 2006 },
  .init("maxConnectionUnsentBytes", "70007") { $0.server.connectionUnsentBytesMax == 70_007 },
  .init("maxStreamUnsentBytes", "2008") { $0.server.streamUnsentBytesMax == 2008 },
  .init("maxRequestBytesInFlight", "2000009") { $0.server.requestBytesMax == 2_000_009 },

  .init("firstRequestTimeout", "3001") { $0.server.limits.firstRequest == .milliseconds(3001) },
  .init("headerTimeout", "3002") { $0.server.limits.header == .milliseconds(3002) },
  .init("bodyTimeout", "3003") { $0.server.limits.body == .milliseconds(3003) },
  .init("idleTimeout", "3004") { $0.server.limits.idle == .milliseconds(3004) },
  .init("maxConnectionAge", "3005") { $0.server.limits.ageMax == .milliseconds(3005) },
  .init("maxConnectionAgeGrace", "3006") { $0.server.limits.ageGrace == .milliseconds(3006) },
  .init("keepaliveTime", "3007") { $0.server.limits.keepaliveTime == .milliseconds(3007) },
  .init("keepaliveTimeout", "3008") { $0.server.limits.keepaliveTimeout == .milliseconds(3008) },
  .init("keepaliveMinimumTime", "3009") { $0.server.limits.keepaliveMinimumTime == .milliseconds(3009) },
  .init("keepaliveWithoutCalls", "false") { !$0.server.limits.keepaliveWithoutCalls },
  .init("unreadOutputTimeout", "3011") { $0.server.limits.unreadOutput == .milliseconds(3011) },
  .init("controlFramesBurst", "3012") { $0.server.limits.controlFramesBurst == 3012 },
  .init("controlFramesPerSecond", "3013") { $0.server.limits.controlFramesPerSecond == 3013 },

  .init("eventLoops", "5") { $0.eventLoops == 5 },
  .init("sessionCacheBytes", "4001") { $0.sessionCacheBytes == 4001 },
  .init("eventCacheCount", "4002") { $0.eventCacheCount == 4002 },
  .init("shutdownGrace", "4003") { $0.shutdownGrace == .milliseconds(4003) },
]

/// Each setting is for one thing.
@Suite struct SettingEffectTests {
  @Test("Each setting reaches what it is for", arguments: cases)
  fileprivate func effect(_ one: SettingCase) throws {
    #expect(!one.isTaken(try settings(one.others).settings))
    #expect(one.isTaken(try settings(one.others.merging([one.name: one.text]) { $1 }).settings))
  }

  @Test func noneIsForgotten() throws {
    // Those of the file are there once it is read; see SettingsFileTests.
    let names = try settings([:]).report.map(\.name).filter { $0 != "config" }
    #expect(cases.map(\.name).sorted() == names.sorted())
  }

  private func settings(_ values: [String: String]) throws -> (settings: Settings, report: [SettingReader.Entry]) {
    let flags = Dictionary(uniqueKeysWithValues: values.map { (Setting.flag($0, default: true, "").flag, $1) })
    var reader = SettingReader(flags: flags, environment: [:])
    let settings = try Settings(&reader, processors: 4)
    return (settings, reader.report)
  }
}
