public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.AffinityService` over a repository.
public struct AffinityHandler: AffinityService {
  private let repository: any AffinityRepository
  private let isEnabled: Bool

  /// Serves the affinities of `repository`; unless `isEnabled`, refuses every call.
  public init(repository: any AffinityRepository, isEnabled: Bool = true) {
    self.repository = repository
    self.isEnabled = isEnabled
  }

  /// Sets a session's affinity.
  public func setSessionAffinity(
    _ request: SetSessionAffinityRequest, context: ServerContext
  ) async throws -> ServerResponse<SetSessionAffinityResponse> {
    try checkEnabled()
    guard let input = request.affinity else { throw RPCError([.required("affinity")]) }
    let draft = AffinityDraft(input)
    let affinity = try await answering { try await repository.setAffinity(draft) }
    return try ServerResponse(.with { $0.affinity = .init(affinity) })
  }

  /// A session's affinity.
  public func getSessionAffinity(
    _ request: GetSessionAffinityRequest, context: ServerContext
  ) async throws -> ServerResponse<GetSessionAffinityResponse> {
    try checkEnabled()
    let id = try sessionID(request.sessionID)
    let affinity = try await answering { try await repository.affinity(of: id) }
    return try ServerResponse(.with { $0.affinity = .init(affinity) })
  }

  /// Removes a session's affinity.
  public func deleteSessionAffinity(
    _ request: DeleteSessionAffinityRequest, context: ServerContext
  ) async throws -> ServerResponse<DeleteSessionAffinityResponse> {
    try checkEnabled()
    let id = try sessionID(request.sessionID)
    try await answering { try await repository.deleteAffinity(of: id) }
    return try ServerResponse(DeleteSessionAffinityResponse())
  }

  /// Picks a target, and takes the turn.
  public func resolveAffinity(
    _ request: ResolveAffinityRequest, context: ServerContext
  ) async throws -> ServerResponse<ResolveAffinityResponse> {
    try checkEnabled()
    let id = try sessionID(request.sessionID)
    let choice = try await answering { try await repository.resolveAffinity(of: id, key: request.affinityKey) }
    return try ServerResponse(
      .with {
        $0.targetSessionID = choice.targetID.description
        $0.explanation = choice.explanation
      })
  }

  private func checkEnabled() throws {
    if !isEnabled { throw RPCError.featureDisabled("enableAffinity") }
  }
}
