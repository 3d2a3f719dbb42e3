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

  /// Terminates a session that may finish what it has; see `LifecycleRepository`.
  public func shutDown(_ id: SessionID, _ shutdown: GracefulShutdown) async throws(SessionError) -> Session {
    let violations = shutdown.violations()
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    let reason = shutdown.reason.isEmpty ? ShutdownReason.normal : shutdown.reason
    return try await finish(
      within: shutdown.timeout, orElse: { (count) throws(SessionError) in throw .drainTimeout(pendingCount: count) },
      { (writer) throws(SessionError) in try writer.shutDown(id, reason: reason, cascade: shutdown.cascade) })
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

  /// Moves a session to another workspace; see `LifecycleRepository`.
  public func migrate(_ id: SessionID, _ migration: Migration) async throws(SessionError) -> Session {
    let violations = migration.violations()
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    queues.pauseDeliveries(to: id)
    defer { queues.resumeDeliveries(to: id) }
    return try await finish(
      within: migration.timeout,
      orElse: { (count) throws(SessionError) in throw .migrationTimeout(inDeliveryCount: count) },
      { (writer) throws(SessionError) in try writer.migrate(id, migration) })
  }

  /// Creates a copy of a session; see `LifecycleRepository`.
  public func clone(_ id: SessionID, _ draft: CloneDraft) async throws(SessionError) -> Session {
    let violations = draft.violations()
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    return try await committer.submit { (writer) throws(SessionError) in try writer.clone(id, draft) }
  }

  /// Tries a change again each time that messages went which it waits for, until it is done or the time is over; then
  /// `late` says what comes of it, with the number of messages that are left.
  func finish<Output: Sendable>(
    within timeout: Duration, orElse late: (Int) async throws(SessionError) -> Output,
    _ change: @escaping Change<Waiting<Output>>.Body
  ) async throws(SessionError) -> Output {
    let deadline = monotonicClock.now + timeout
    while true {
      switch try await committer.submit(change) {
      case .done(let output): return output
      case .waiting(let count, let latch):
        guard monotonicClock.now < deadline else { return try await late(count) }
        // Not every clock can sleep for as long as a duration may be: it looks again after an hour.
        await latch.wait(until: min(deadline, monotonicClock.now + .seconds(3600)), monotonicClock)
        guard !Task.isCancelled else { throw .cancelled }
      }
    }
  }

  private static func checked(_ reason: String, orElse other: String) throws(SessionError) -> String {
    let violations = ShutdownReason.violations(of: reason)
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    return reason.isEmpty ? other : reason
  }
}
