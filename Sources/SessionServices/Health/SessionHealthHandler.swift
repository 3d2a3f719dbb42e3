public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.SessionHealthService` over a repository and the newest events in memory.
public struct SessionHealthHandler: SessionHealthService {
  private let repository: any SessionRepository & MetricsRepository
  private let changes: CommittedChanges

  /// Serves the health of the sessions of `repository`, whose commits go to `changes`.
  public init(repository: any SessionRepository & MetricsRepository, changes: CommittedChanges) {
    self.repository = repository
    self.changes = changes
  }

  /// How well a session is.
  public func checkSessionHealth(
    _ request: CheckSessionHealthRequest, context: ServerContext
  ) async throws -> ServerResponse<CheckSessionHealthResponse> {
    let id = try sessionID(request.sessionID)
    let health = try await answering { try await repository.health(of: id) }
    return try ServerResponse(.with { $0.health = .init(health) })
  }

  /// How well sessions are now, and again whenever that changes.
  public func watchSessionHealth(
    _ request: WatchSessionHealthRequest, to responses: ResponseWriter<WatchSessionHealthResponse>,
    context: ServerContext
  ) async throws {
    let filter = try EventFilter(kinds: [], sessionIDs: request.sessionIds, types: [])
    let watch = HealthWatch(
      repository: repository, feed: changes.feed, filter: filter, responses: responses, lane: context.lane)
    try await answering { try await watch.run() }
  }
}
