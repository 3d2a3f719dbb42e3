import SessionDomain

extension SQLiteSessionRepository: LifecycleRepository {
  /// Creates a session and all it takes to be active; see `LifecycleRepository`.
  public func bootstrap(_ draft: BootstrapDraft, request: RequestKey?) async throws(SessionError) -> Session {
    let checked = draft.check()
    guard let new = checked.value, checked.violations.isEmpty, request?.violations().isEmpty ?? true else {
      throw try await refusal(checked.violations, parentID: checked.parentID, more: request?.violations() ?? [])
    }
    return try await committer.submit { (writer) throws(SessionError) in try writer.bootstrap(new, request: request) }
  }

  /// Allocates resources; see `LifecycleRepository`.
  public func initialize(_ id: SessionID, _ resources: ResourceDraft) async throws(SessionError) -> Session {
    let checked = resources.check()
    guard let allocation = checked.value, checked.violations.isEmpty else { throw .invalidArgument(checked.violations) }
    return try await committer.submit { (writer) throws(SessionError) in try writer.initialize(id, allocation) }
  }

  /// Makes a session active; see `LifecycleRepository`.
  public func start(_ id: SessionID) async throws(SessionError) -> Session {
    try await committer.submit { (writer) throws(SessionError) in try writer.start(id) }
  }

  /// Terminates a session at once; see `LifecycleRepository`.
  public func forceShutDown(
    _ id: SessionID, reason: String, cascade: Bool
  ) async throws(SessionError) -> ForcedShutdown {
    let reason = try Self.checked(reason, orElse: ShutdownReason.forced)
    return try await committer.submit { (writer) throws(SessionError) in
      try writer.forceShutDown(id, reason: reason, cascade: cascade)
    }
  }

  /// Terminates everything; see `LifecycleRepository`.
  public func shutDownAll(reason: String) async throws(SessionError) -> [SessionID] {
    let reason = try Self.checked(reason, orElse: ShutdownReason.emergency)
    return try await committer.submit { (writer) throws(SessionError) in try writer.shutDownAll(reason: reason) }
  }

  /// Takes back what a session was allocated; see `LifecycleRepository`.
  public func cleanUp(_ id: SessionID) async throws(SessionError) -> Session {
    try await committer.submit { (writer) throws(SessionError) in try writer.cleanUp(id) }
  }

  private static func checked(_ reason: String, orElse other: String) throws(SessionError) -> String {
    let violations = ShutdownReason.violations(of: reason)
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    return reason.isEmpty ? other : reason
  }
}
