import ProtobufWellKnownTypes
public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.MetricsService` over a repository.
public struct MetricsHandler: MetricsService {
  /// The shortest time between two messages of WatchPerformanceMetrics.
  public static let watchIntervalMin: Duration = .milliseconds(100)

  private let repository: any MetricsRepository
  private let changes: CommittedChanges
  private let isEnabled: Bool
  private let interval: Duration
  private let clock: any MonotonicClock

  /// Serves the metrics of `repository`, whose commits go to `changes`; unless `isEnabled`, takes reports and refuses
  /// every other call. `interval` is that of watches that name none.
  public init(
    repository: any MetricsRepository, changes: CommittedChanges, isEnabled: Bool = true,
    interval: Duration = .seconds(10), clock: any MonotonicClock = ContinuousClock()
  ) {
    self.repository = repository
    self.changes = changes
    self.isEnabled = isEnabled
    self.interval = max(interval, Self.watchIntervalMin)
    self.clock = clock
  }

  /// Exact counts over all sessions.
  public func getSessionStats(
    _ request: GetSessionStatsRequest, context: ServerContext
  ) async throws -> ServerResponse<GetSessionStatsResponse> {
    try checkEnabled()
    let stats = try await answering { try await repository.stats() }
    return try ServerResponse(.with { $0.stats = .init(stats) })
  }

  /// What a session did and what it costs.
  public func getPerformanceMetrics(
    _ request: GetPerformanceMetricsRequest, context: ServerContext
  ) async throws -> ServerResponse<GetPerformanceMetricsResponse> {
    try checkEnabled()
    let id = try sessionID(request.sessionID)
    let metrics = try await answering { try await repository.metrics(of: id) }
    return try ServerResponse(.with { $0.metrics = .init(metrics) })
  }

  /// The metrics now, and again every interval.
  public func watchPerformanceMetrics(
    _ request: WatchPerformanceMetricsRequest, to responses: ResponseWriter<WatchPerformanceMetricsResponse>,
    context: ServerContext
  ) async throws {
    try checkEnabled()
    var violations: [FieldViolation] = []
    let interval = watchInterval(request, &violations)
    let id = try sessionID(request.sessionID, besides: violations)
    var next = clock.now
    while true {
      let metrics = try await answering { try await repository.metrics(of: id) }
      try await responses.send(.with { $0.metrics = .init(metrics) })
      next += interval
      // A reader that is slow gets what is new then, and not all that it missed.
      if next <= clock.now { next = clock.now + interval }
      try await changes.sleep(until: next, clock)
    }
  }

  /// Takes reports until the caller has sent its last, and answers when all of them are in the file.
  public func reportActivity(
    _ requests: RequestStream<ReportActivityRequest>, context: ServerContext
  ) async throws -> ServerResponse<ReportActivityResponse> {
    var intake = ReportIntake(repository, changes)
    for try await request in requests {
      if !intake.take(request) { try await intake.reject(request) }
    }
    if intake.accepted > 0 { try await answering { try await repository.keepReports() } }
    let response = intake.response
    return try ServerResponse(response)
  }

  private func watchInterval(
    _ request: WatchPerformanceMetricsRequest, _ violations: inout [FieldViolation]
  ) -> Duration {
    guard let asked = request.interval else { return interval }
    // Nobody waits longer than a clock can.
    let longest: Duration = .seconds(365 * 24 * 60 * 60)
    if let duration = asked.duration, (Self.watchIntervalMin...longest).contains(duration) { return duration }
    violations.append(FieldViolation(path: "interval", description: "an interval is from 100 ms to 365 days"))
    return interval
  }

  private func checkEnabled() throws {
    if !isEnabled { throw RPCError.featureDisabled("enableMetrics") }
  }
}
