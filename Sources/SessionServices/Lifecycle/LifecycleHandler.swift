public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.LifecycleService` over a repository.
public struct LifecycleHandler: LifecycleService {
  /// What an operator can switch off.
  public struct Features: Sendable {
    /// Whether sessions may be moved: the setting `enableMigration`.
    public var migration = true
    /// Whether all sessions may be ended at once: the setting `enableEmergencyShutdown`.
    public var emergencyShutdown = true

    /// Everything.
    public init() {}
  }

  private let repository: any LifecycleRepository
  private let features: Features

  /// Serves the sessions of `repository`.
  public init(repository: any LifecycleRepository, features: Features = Features()) {
    self.repository = repository
    self.features = features
  }

  /// Creates, initializes, registers and starts a session: all of it, or nothing.
  public func bootstrapSession(
    _ request: BootstrapSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<BootstrapSessionResponse> {
    guard let input = request.session else { throw RPCError([.required("session")]) }
    let draft = BootstrapDraft(
      session: SessionDraft(input), resources: ResourceDraft(request.resources),
      messageTypes: request.messageTypes, priority: request.priority.rawValue)
    let key =
      request.requestID.isEmpty
      ? nil : RequestKey(method: "BootstrapSession", requestID: request.requestID, bodyDigest: draft.digest)
    let session = try await answering { try await repository.bootstrap(draft, request: key) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Allocates resources to a session that is INITIALIZING.
  public func initializeSession(
    _ request: InitializeSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<InitializeSessionResponse> {
    let resources = ResourceDraft(request.resources)
    let id = try sessionID(request.sessionID, besides: resources.check().violations)
    let session = try await answering { try await repository.initialize(id, resources) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// INITIALIZING or IDLE to ACTIVE.
  public func startSession(
    _ request: StartSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<StartSessionResponse> {
    let id = try sessionID(request.sessionID)
    let session = try await answering { try await repository.start(id) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Stops taking messages, waits for the queue to drain, then terminates.
  public func shutdownSession(
    _ request: ShutdownSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<ShutdownSessionResponse> {
    var violations: [FieldViolation] = []
    let shutdown = GracefulShutdown(request, &violations)
    let id = try sessionID(request.sessionID, besides: violations)
    let session = try await answering { try await repository.shutDown(id, shutdown) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Terminates at once; undelivered messages go to the dead letters.
  public func forceShutdownSession(
    _ request: ForceShutdownSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<ForceShutdownSessionResponse> {
    let id = try sessionID(request.sessionID, besides: ShutdownReason.violations(of: request.reason))
    let shutdown = try await answering {
      try await repository.forceShutDown(id, reason: request.reason, cascade: request.cascade)
    }
    return try ServerResponse(
      .with {
        $0.session = .init(shutdown.session)
        $0.deadLettered = Int64(shutdown.deadLetteredCount)
      })
  }

  /// Terminates every session that is in no final status.
  public func emergencyShutdown(
    _ request: EmergencyShutdownRequest, context: ServerContext
  ) async throws -> ServerResponse<EmergencyShutdownResponse> {
    guard features.emergencyShutdown else { throw RPCError.featureDisabled("enableEmergencyShutdown") }
    let ids = try await answering { try await repository.shutDownAll(reason: request.reason) }
    return try ServerResponse(.with { $0.terminatedSessionIds = ids.map(\.description) })
  }

  /// Releases a finished session's resources; keeps its record.
  public func cleanupSession(
    _ request: CleanupSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<CleanupSessionResponse> {
    let id = try sessionID(request.sessionID)
    let session = try await answering { try await repository.cleanUp(id) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Moves a session to another workspace.
  public func migrateSession(
    _ request: MigrateSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<MigrateSessionResponse> {
    guard features.migration else { throw RPCError.featureDisabled("enableMigration") }
    var violations: [FieldViolation] = []
    let migration = Migration(request, &violations)
    let id = try sessionID(request.sessionID, besides: violations)
    let session = try await answering { try await repository.migrate(id, migration) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Creates a copy of a session.
  public func cloneSession(
    _ request: CloneSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<CloneSessionResponse> {
    let draft = CloneDraft(request)
    let id = try sessionID(request.sessionID, besides: draft.violations())
    let clone = try await answering { try await repository.clone(id, draft) }
    return try ServerResponse(.with { $0.session = .init(clone) })
  }
}
