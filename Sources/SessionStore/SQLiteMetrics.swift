import SessionDomain

extension SQLiteSessionRepository: MetricsRepository {
  /// Takes a report; see `MetricsRepository`.
  public func report(_ report: ActivityReport) -> ReportOutcome {
    if let flaw = report.flaw { return .flawed(flaw) }
    return meters.take(report, at: monotonicClock.now, clock.now()) ? .accepted : .unknown
  }

  /// Why a session takes no reports; see `MetricsRepository`.
  public func refusal(ofReportsOf id: SessionID) async throws(SessionError) -> String? {
    let status: SessionStatus
    do throws(SessionError) {
      status = try await session(id).status
    } catch .notFound {
      return "no session has this id"
    }
    return status.isFinal ? "the session has finished: it is in \(status.description.uppercased())" : nil
  }

  /// Has the file tell all that was reported; see `MetricsRepository`.
  public func keepReports() async throws(SessionError) {
    var failures: Int
    repeat {
      // Those that wait now are out of the line when as many were taken. Some may be in a batch already, which may fail.
      var left: Int
      (left, failures) = meters.waiting
      repeat {
        let count = min(left, Writer.keptActivityMax(settings))
        try await committer.submit { (writer) throws(SessionError) in
          try storing { () throws(StorageFailure) in try writer.keepReports(max: count) }
        }
        left -= count
      } while left > 0
    } while meters.waiting.failures != failures
  }

  /// Counts over all sessions; see `MetricsRepository`.
  public func stats() async throws(SessionError) -> SessionStats {
    try await keepReports()
    return try await committer.submit { (writer) throws(SessionError) in writer.stats() }
  }

  /// What a session did; see `MetricsRepository`.
  public func metrics(of id: SessionID) async throws(SessionError) -> PerformanceMetrics {
    try await committer.submit { (writer) throws(SessionError) in try writer.metrics(of: id) }
  }

  /// How well a session is; see `MetricsRepository`.
  public func health(of id: SessionID) async throws(SessionError) -> SessionHealth {
    try await committer.submit { (writer) throws(SessionError) in try writer.health(of: id) }
  }

  /// Looks at sessions; see `MetricsRepository`.
  public func look(at ids: [SessionID]) async throws(SessionError) -> [SessionHealth] {
    try await committer.submit { (writer) throws(SessionError) in try writer.look(at: ids) }
  }

  /// Looks at sessions; see `MetricsRepository`.
  public func look(after id: SessionID?, limit: Int) async throws(SessionError) -> [SessionHealth] {
    try await committer.submit { (writer) throws(SessionError) in try writer.look(after: id, limit: limit) }
  }
}
