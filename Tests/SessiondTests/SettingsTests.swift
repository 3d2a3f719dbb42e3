import Logging
import SessionDomain
import Testing

@testable import sessiond

private func settings(
  flags: [String: String] = [:], environment: [String: String] = [:]
) throws -> (settings: Settings, report: [SettingReader.Entry]) {
  var reader = SettingReader(flags: flags, environment: environment)
  let settings = try Settings(&reader, processors: 4)
  return (settings, reader.report)
}

@Suite struct SettingsTests {
  @Test func theDefaultsAreThoseOfTheReference() throws {
    let defaults = try settings().settings
    #expect(defaults.listen.host == "127.0.0.1")
    #expect(defaults.listen.port == 50051)
    #expect(defaults.store.path == "./orchestration.db")
    #expect(defaults.store.maxSessions == 100)
    #expect(defaults.store.sessionTimeout == .milliseconds(300_000))
    #expect(defaults.store.capacity == ResourceCapacity())
    #expect(defaults.lifecycle.migration && defaults.lifecycle.emergencyShutdown)
    #expect(defaults.store.eventRetention == .milliseconds(604_800_000))
    #expect(defaults.store.eventRetentionCount == 1_000_000)
    #expect(defaults.store.recordsMetrics && defaults.store.metricsInterval == .milliseconds(10_000))
    #expect(defaults.store.metricsWindow == .milliseconds(60_000))
    #expect(defaults.store.enableHealthChecks && defaults.store.healthCheckInterval == .milliseconds(30_000))
    #expect(defaults.store.healthThresholds == HealthThresholds())
    #expect(defaults.logLevel == .info)
    #expect(defaults.enableLogging)
    #expect(defaults.enableReflection)
    #expect(defaults.enableAffinity)
    #expect(defaults.eventLoops == 4)
  }

  @Test func aFlagWinsOverTheEnvironmentAndTheEnvironmentOverTheDefault() throws {
    let environment = ["SESSIOND_MAX_SESSIONS": "7", "SESSIOND_LOG_LEVEL": "debug"]
    let read = try settings(flags: ["max-sessions": "9"], environment: environment)
    #expect(read.settings.store.maxSessions == 9)
    #expect(read.settings.logLevel == .debug)
    let sources = Dictionary(uniqueKeysWithValues: read.report.map { ($0.name, "\($0.source)") })
    #expect(sources["maxSessions"] == "flag --max-sessions")
    #expect(sources["logLevel"] == "environment SESSIOND_LOG_LEVEL")
    #expect(sources["eventRetention"] == "default")
  }

  @Test func capacitiesAreReadAsPeopleWriteThem() throws {
    let flags = ["capacity-memory": "64g", "capacity-cpu": "1.5", "capacity-disk": ""]
    let capacity = try settings(flags: flags).settings.store.capacity
    #expect(capacity.memoryBytes == 64 << 30 && capacity.cpuMillicores == 1500 && capacity.diskBytes == nil)
  }

  @Test func indexedKeysAreAListWithArrowsBetweenNestedOnes() throws {
    #expect(try settings().settings.store.metadataIndexes == [])
    let environment = ["SESSIOND_METADATA_INDEXES": "domain, config->region,'it''s'"]
    let store = try settings(environment: environment).settings.store
    #expect(store.metadataIndexes.map(\.keys) == [["domain"], ["config", "region"], ["it's"]])
  }

  @Test(
    "A wrong value names the setting, the value, where it came from and what is allowed",
    arguments: [
      (
        "max-sessions", "zero",
        "maxSessions is \"zero\" (flag --max-sessions); allowed is a whole number from 1 to 100000000"
      ),
      ("max-sessions", "0", "maxSessions is \"0\""), ("max-sessions", "-5", "maxSessions is \"-5\""),
      (
        "capacity-memory", "lots",
        "capacityMemory is \"lots\" (flag --capacity-memory); allowed is bytes, such as 64g, or nothing for no limit"
      ), ("capacity-cpu", "2g", "capacityCpu is \"2g\""), ("capacity-disk", "-1", "capacityDisk is \"-1\""),
      ("session-timeout", "-1", "sessionTimeout is \"-1\""),
      ("health-queue-degraded", "nan", "healthQueueDegraded is \"nan\""),
      ("health-queue-unhealthy", "-0.1", "healthQueueUnhealthy is \"-0.1\""),
      (
        "health-memory-degraded", "1.5",
        "healthMemoryDegraded is \"1.5\" (flag --health-memory-degraded); allowed is at most healthMemoryUnhealthy, "
          + "which is 1.0"
      ),
      ("event-retention", "1.5", "eventRetention is \"1.5\""), ("log-level", "loud", "logLevel is \"loud\""),
      ("enable-logging", "yes", "enableLogging is \"yes\" (flag --enable-logging); allowed is true or false"),
      ("database-path", "", "databasePath is \"\""), ("listen", "localhost", "listen is \"localhost\""),
      ("max-message-bytes", "99999999999999999999", "maxMessageBytes is"),
      (
        "metadata-indexes", "a\"b",
        "metadataIndexes is \"a\"b\" (flag --metadata-indexes); allowed is up to 16 different keys of the metadata with"
      ), ("metadata-indexes", "a,a", "metadataIndexes is \"a,a\""),
      ("search-memory-bytes", "-1", "searchMemoryBytes is \"-1\""),
    ])
  func wrongValue(flag: String, value: String, message: String) throws {
    let error = #expect(throws: SettingError.self) { try settings(flags: [flag: value]) }
    #expect(error?.description.hasPrefix(message) == true)
  }

  @Test func everySettingHasALineOfHelp() throws {
    for entry in try settings().report {
      #expect(entry.help.hasSuffix("."), "\(entry.name)")
      #expect(entry.help.utf8.count < 74, "\(entry.name)")
    }
    #expect(Sessiond.helpMessage().contains("--max-header-list-bytes 16384\n"))
  }

  @Test(
    "Flags and variables are the name's words",
    arguments: [
      ("listen", "listen", "SESSIOND_LISTEN"), ("maxSessions", "max-sessions", "SESSIOND_MAX_SESSIONS"),
      ("tlsClientCAFile", "tls-client-ca-file", "SESSIOND_TLS_CLIENT_CA_FILE"),
    ])
  func words(name: String, flag: String, variable: String) {
    let setting = Setting.count(name, default: 1, 1...2, "")
    #expect(setting.flag == flag)
    #expect(setting.variable == variable)
  }

  @Test(
    "A command line is flags with values, of which the last wins",
    arguments: [
      ([], [:]), (["--listen", "here:1", "--log-level=debug"], ["listen": "here:1", "log-level": "debug"]),
      (["--readers", "-1"], ["readers": "-1"]), (["--a=b=c"], ["a": "b=c"]), (["--a="], ["a": ""]),
      (["--a", "", "--b"], ["a": "", "b": "true"]), (["--a", "--b", "2"], ["a": "true", "b": "2"]),
      (["--a", "1", "--a=2"], ["a": "2"]),
    ] as [([String], [String: String])])
  func flags(arguments: [String], flags: [String: String]) throws {
    #expect(try parseFlags(arguments) == flags)
  }

  @Test("What belongs to no flag is refused", arguments: ["here", "-l", "--", ""])
  func noFlag(argument: String) {
    #expect(throws: UnexpectedArgumentError.self) { try parseFlags(["--listen", "here:1", argument]) }
  }

  @Test func aFlagThatNoSettingHasIsRefused() throws {
    let error = #expect(throws: UnknownFlagError.self) { try settings(flags: ["max-sesions": "9"]) }
    #expect(error?.description == "there is no flag --max-sesions; --help lists them")
  }

  @Test(
    "An address is a host and a port",
    arguments: [
      ("127.0.0.1:50051", "127.0.0.1", 50051), ("localhost:0", "localhost", 0), ("[::1]:443", "::1", 443),
      ("0.0.0.0:65535", "0.0.0.0", 65535),
    ])
  func address(text: String, host: String, port: Int) {
    let address = ListenAddress(text)
    #expect(address?.host == host)
    #expect(address?.port == port)
  }

  @Test(
    "What is no address is refused",
    arguments: [
      "", ":", ":50051", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:-0", "127.0.0.1:+1",
      "127.0.0.1: 1", "127.0.0.1:99999999999999999999", "::1:443", "[]:1", "[::1:443", "::1]:443", "[[::1]]:443",
      "[::1]443", "[localhost]:1", "i[ft0]:80",
    ])
  func noAddress(text: String) {
    #expect(ListenAddress(text) == nil)
  }
}
