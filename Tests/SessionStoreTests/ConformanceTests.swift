import RepositoryConformance
import SessionDomain
import SessionStore
import Testing

@Suite struct ConformanceTests {
  @Test(arguments: RepositoryConformance.cases)
  func sqliteConforms(_ conformance: ConformanceCase) async throws {
    try await run(conformance)
  }

  @Test(arguments: RepositoryConformance.searches)
  func `SQLite conforms also where searches read the file`(_ conformance: ConformanceCase) async throws {
    try await run(conformance) { $0.searchMemoryBytesMax = 0 }
  }

  private func run(
    _ conformance: ConformanceCase, _ change: @escaping @Sendable (inout SessionStoreSettings) -> Void = { _ in }
  ) async throws {
    let fixture = try StoreFixture()
    let commits = CommitRecorder()
    try await conformance.run { options in
      let repository = try fixture.open(commits: commits) { settings in
        settings.maxSessions = options.maxSessions
        settings.capacity = options.capacity
        settings.sessionTimeout = options.sessionTimeout
        settings.ackTimeout = options.ackTimeout
        settings.maxRetries = options.maxRetries
        settings.retryDelay = options.retryDelay
        settings.eventRetention = options.eventRetention
        settings.eventRetentionCount = options.eventRetentionCount
        settings.snapshotsMax = options.snapshotsMax
        settings.recordsMetrics = options.recordsMetrics
        settings.enableHealthChecks = options.enableHealthChecks
        settings.healthThresholds = options.healthThresholds
        change(&settings)
      }
      return RepositoryFixture(
        repository: repository, clock: fixture.clock, monotonicClock: fixture.monotonicClock, commits: commits,
        setRegistration: { try await repository.setRegistration($0, $1) },
        inconsistencies: { try await repository.inconsistencies() })
    }
  }
}
