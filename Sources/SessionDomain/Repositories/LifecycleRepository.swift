/// What brings sessions up, moves and copies them, and takes them down. Every call that returns has happened for good;
/// every call that throws changed nothing, unless it says otherwise.
///
/// When several errors apply, it is the first of: `invalidArgument`, `notFound`, a state that does not allow it,
/// `sessionLimit`, `capacityExceeded`. Any call may throw `storage`, `overloaded` and `closed`.
public protocol LifecycleRepository: Sendable {
  /// Creates a session, allocates its resources, registers it, and makes it `active`: all of it, or nothing.
  ///
  /// A repeat of `request` is answered as by `SessionRepository.create`. Throws `invalidArgument`, `notFound`,
  /// `constraintExceeded`, `sessionLimit`, `capacityExceeded`, `requestIDReused`.
  func bootstrap(_ draft: BootstrapDraft, request: RequestKey?) async throws(SessionError) -> Session

  /// Allocates resources to a session that is `initializing`, instead of those it had.
  ///
  /// Throws `invalidArgument`, `notFound`, `illegalTransition`, `constraintExceeded`, `capacityExceeded`.
  func initialize(_ id: SessionID, _ resources: ResourceDraft) async throws(SessionError) -> Session

  /// Makes a session `active`; one that is stays as it is. Throws `notFound`, `illegalTransition`.
  func start(_ id: SessionID) async throws(SessionError) -> Session

  /// Terminates a session that has no messages any more, with `cascade` all that are below it first, the deepest first.
  ///
  /// A session with messages takes no new ones and is waited for. When the time is over this throws `drainTimeout`: the
  /// session stays draining, so that a repeat goes on. Only here, and when the caller's task is cancelled, a call that
  /// throws may have changed something. A final session stays as it is. Throws `invalidArgument`, `notFound`.
  func shutDown(_ id: SessionID, _ shutdown: GracefulShutdown) async throws(SessionError) -> Session

  /// Terminates a session at once, with `cascade` all that are below it first, the deepest first, in one transaction.
  /// An empty reason is "forced". A final session stays as it is. Throws `invalidArgument`, `notFound`.
  func forceShutDown(
    _ id: SessionID, reason: String, cascade: Bool
  ) async throws(SessionError) -> ForcedShutdown

  /// Terminates every session that is in no final status, children before parents, in one transaction, and tells which
  /// in that order. An empty reason is "emergency". Throws `invalidArgument`.
  func shutDownAll(reason: String) async throws(SessionError) -> [SessionID]

  /// Takes back what a finished session was allocated; may be repeated. Throws `notFound`, `notFinished`.
  func cleanUp(_ id: SessionID) async throws(SessionError) -> Session

  /// Moves a session to another workspace once no message is in delivery to it.
  ///
  /// Throws `invalidArgument`, `notFound`, `illegalTransition`, and `migrationTimeout` when the time is over.
  func migrate(_ id: SessionID, _ migration: Migration) async throws(SessionError) -> Session

  /// Creates a copy of a session. Throws `invalidArgument`, `notFound`, `illegalTransition`, `sessionLimit`,
  /// `capacityExceeded`.
  func clone(_ id: SessionID, _ draft: CloneDraft) async throws(SessionError) -> Session
}

/// What a forced shutdown did.
public struct ForcedShutdown: Hashable, Sendable {
  /// The session as it stands then.
  public var session: Session
  /// Messages that were queued, over all sessions that were shut down; they are dead letters now.
  public var deadLetteredCount: Int

  /// Makes a result.
  public init(session: Session, deadLetteredCount: Int) {
    self.session = session
    self.deadLetteredCount = deadLetteredCount
  }
}
