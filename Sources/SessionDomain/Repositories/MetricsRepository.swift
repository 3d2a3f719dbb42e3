/// What sessions did, what they use, and how well they are. Any call may throw `storage`, `overloaded` and `closed`.
///
/// Reports change memory, and reach the file in one batch each metrics interval. What a call tells of counts and of the
/// last report is in the file before it is told, so that nothing is older after a crash than it was; only what lies in
/// the metrics window begins afresh with the server.
public protocol MetricsRepository: Sendable {
  /// Takes a report: counts it, and notes that the session was active. Does not wait.
  ///
  /// A session that is not there, or has finished, is `unknown`: `refusal` of it says which.
  func report(_ report: ActivityReport) -> ReportOutcome

  /// Why a session takes no reports: it is not there, or has finished. Nil when it takes them by now.
  func refusal(ofReportsOf id: SessionID) async throws(SessionError) -> String?

  /// Returns when all that was reported before is in the file.
  func keepReports() async throws(SessionError)

  /// Counts over all sessions, all at one sequence.
  func stats() async throws(SessionError) -> SessionStats

  /// What a session did and what it costs. Throws `notFound`.
  func metrics(of id: SessionID) async throws(SessionError) -> PerformanceMetrics

  /// How well a session is. Throws `notFound`.
  func health(of id: SessionID) async throws(SessionError) -> SessionHealth

  /// How well sessions are, those of them that are there, in the same order. While all are looked at regularly this is
  /// a look, too: what has changed since the last one becomes an event.
  func look(at ids: [SessionID]) async throws(SessionError) -> [SessionHealth]

  /// How well sessions are, by id, those after `id` (nil for the first), at most `limit`; empty after the last. It is a
  /// look, as `look(at:)` is.
  func look(after id: SessionID?, limit: Int) async throws(SessionError) -> [SessionHealth]
}

/// What became of a report.
public enum ReportOutcome: Hashable, Sendable {
  /// It counts.
  case accepted
  /// It does not, and this is what is wrong with it.
  case flawed(String)
  /// Its session is not there, or has finished.
  case unknown
}
