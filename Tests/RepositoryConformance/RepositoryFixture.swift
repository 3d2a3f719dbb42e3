import SessionDomain
import Synchronization
import Testing

/// What a repository under test is set to.
public struct RepositoryOptions: Sendable {
  /// The most sessions in no final status.
  public var maxSessions = 100
  /// How long a session may be without activity.
  public var sessionTimeout: Duration = .seconds(300)
  /// How long a message may be in delivery.
  public var ackTimeout: Duration = .seconds(30)
  /// How often a message is delivered again that failed.
  public var maxRetries = 3
  /// How long a message that failed waits to be delivered again.
  public var retryDelay: Duration = .seconds(1)
  /// What all allocations together may come to.
  public var capacity = ResourceCapacity()
  /// How long events are kept.
  public var eventRetention: Duration = .seconds(7 * 24 * 60 * 60)
  /// How many events are kept.
  public var eventRetentionCount = 1_000_000
  /// How many snapshots may be open at once.
  public var snapshotsMax = 8
  /// Whether reports are counted.
  public var recordsMetrics = true
  /// Whether all sessions are looked at every 30 s, which makes events that most cases are not about.
  public var enableHealthChecks = false
  /// From where on a session is degraded or unhealthy.
  public var healthThresholds = HealthThresholds()

  /// The defaults.
  public init() {}
}

/// Everything that a store keeps.
public typealias WholeRepository = SessionRepository & LifecycleRepository & TemplateRepository & AffinityRepository
  & MessageRepository & MetricsRepository

/// An empty repository, and what a case needs around it.
public struct RepositoryFixture: Sendable {
  /// The repository.
  public let repository: any WholeRepository
  /// The clock that it looks at.
  public let clock: ManualClock
  /// The clock that its timers look at.
  public let monotonicClock: ManualMonotonicClock
  /// What it told its observer.
  public let commits: CommitRecorder
  /// Puts a session on the message bus or takes it off, which no call of a repository does.
  public let setRegistration: @Sendable (SessionID, Registration?) async throws -> Void
  /// Looks for what must never be; each find is a sentence.
  public let inconsistencies: @Sendable () async throws -> [String]

  /// Makes a fixture.
  public init(
    repository: any WholeRepository, clock: ManualClock, monotonicClock: ManualMonotonicClock, commits: CommitRecorder,
    setRegistration: @escaping @Sendable (SessionID, Registration?) async throws -> Void,
    inconsistencies: @escaping @Sendable () async throws -> [String]
  ) {
    self.repository = repository
    self.clock = clock
    self.monotonicClock = monotonicClock
    self.commits = commits
    self.setRegistration = setRegistration
    self.inconsistencies = inconsistencies
  }
}

/// Makes empty repositories.
public typealias RepositoryFactory = @Sendable (RepositoryOptions) async throws -> RepositoryFixture

/// One thing that every repository does.
public struct ConformanceCase: Sendable, CustomTestStringConvertible {
  /// What it does, as a sentence.
  public let name: String
  let options: RepositoryOptions
  let body: @Sendable (RepositoryFixture) async throws -> Void

  init(
    _ name: String, options: RepositoryOptions = RepositoryOptions(),
    _ body: @escaping @Sendable (RepositoryFixture) async throws -> Void
  ) {
    self.name = name
    self.options = options
    self.body = body
  }

  /// The sentence.
  public var testDescription: String { name }

  /// Runs the case on a repository of its own, looks whether that is consistent then, and closes it.
  public func run(_ makeRepository: RepositoryFactory) async throws {
    let fixture = try await makeRepository(options)
    try await body(fixture)
    #expect(try await fixture.inconsistencies() == [])
    fixture.commits.expectOrder()
    await fixture.repository.close()
  }
}

/// All cases that a repository must pass.
public enum RepositoryConformance {
  /// The cases.
  public static let cases =
    createCases + requestCases + updateCases + statusCases + deleteCases + listCases + mergedListCases + pageCases
    + searchCases
    + eventCases + snapshotCases + resourceCases + startCases + endCases + bootstrapCases + shutdownCases
    + migrateCases + cloneCases + inactivityCases + templateCases + instantiationCases + affinityCases
    + resolutionCases + sendCases + deliveryCases + orderCases + retryCases + expiryCases + leavingCases
    + statsCases + reportCases + metricsCases + healthCases

  /// Those of them that search.
  public static let searches = searchCases
}

/// A clock that stands still until it is moved.
public final class ManualClock: WallClock {
  private let time: Mutex<Timestamp>

  /// Starts at a moment in 2024.
  public init() {
    time = Mutex(Timestamp(microseconds: 1_705_314_600_000_000))
  }

  /// The time it shows.
  public func now() -> Timestamp {
    time.withLock { $0 }
  }

  /// Moves it, forward or back.
  public func advance(by duration: Duration) {
    time.withLock { $0 = $0.advanced(by: duration) }
  }
}

/// Keeps everything that a repository told.
public final class CommitRecorder: CommitObserver {
  private let commits = Mutex<[Commit]>([])

  /// Starts with nothing.
  public init() {}

  /// Keeps a commit.
  public func committed(_ commit: Commit) {
    commits.withLock { $0.append(commit) }
  }

  /// What was told so far.
  public var all: [Commit] { commits.withLock { $0 } }

  /// All events that were told, in order.
  public var events: [SessionEvent] { all.flatMap(\.events) }

  func expectOrder() {
    let sequences = events.map(\.sequence)
    #expect(sequences == Array((sequences.first ?? 1)..<(sequences.first ?? 1) + Int64(sequences.count)))
    for commit in all {
      if let last = commit.events.last { #expect(commit.sequence == last.sequence) }
      #expect(Set(commit.sessions.map(\.id)).count == commit.sessions.count)
      #expect(Set(commit.sessions.map(\.id)).isDisjoint(with: commit.deleted))
    }
  }
}
