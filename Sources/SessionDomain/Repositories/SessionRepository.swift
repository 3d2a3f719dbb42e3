/// The sessions and their history. Every call that returns has happened for good; every call that throws changed
/// nothing.
///
/// When several errors apply, it is the first of: `invalidArgument`, `notFound`, `revisionConflict`, a state that does
/// not allow it, `sessionLimit`. Any call may throw `storage`, `overloaded` and `closed`.
public protocol SessionRepository: Sendable {
  /// Creates a session in `initializing`.
  ///
  /// A repeat of `request` within 24 hours returns the first call's session as it is now, or throws `notFound` when it
  /// was deleted since; the same request id with another body throws `requestIDReused`. Throws `invalidArgument`,
  /// `sessionLimit`.
  func create(_ draft: SessionDraft, request: RequestKey?) async throws(SessionError) -> Session

  /// The session as it stands. Throws `notFound`.
  func session(_ id: SessionID) async throws(SessionError) -> Session

  /// Changes a session, if it is at `expectedRevision` (nil for any), and returns it as it stands then.
  ///
  /// Throws `invalidArgument`, `notFound`, `revisionConflict`, `illegalTransition`, `constraintExceeded`.
  func update(_ id: SessionID, _ change: SessionChange, expectedRevision: Int64?) async throws(SessionError) -> Session

  /// Removes a session and all that belongs to it, but not its history; whether there was one.
  ///
  /// `force` ends a session that has not finished and takes its children's parent away; without it these throw
  /// `notFinished` and `hasChildren`. A missing session throws `notFound`, unless `allowMissing`. Throws
  /// `revisionConflict` when it is not at `expectedRevision` (nil for any).
  func delete(
    _ id: SessionID, force: Bool, allowMissing: Bool, expectedRevision: Int64?
  ) async throws(SessionError) -> Bool

  /// A page of the sessions that match. Throws `invalidArgument`, `pageTokenInvalid`.
  func list(_ query: SessionQuery) async throws(SessionError) -> SessionPage

  /// The sessions whose name, workspace, id or type contains `text` in any case, the latest activity first, then by id.
  ///
  /// At most `limit`: 0 means 50, more than 1000 means 1000; negative throws `invalidArgument`. An empty text finds all.
  func search(_ text: String, limit: Int) async throws(SessionError) -> [Session]

  /// The next events that match: at most `limit`, from 1 to 1000.
  ///
  /// Throws `sequenceCompacted` when the event after `position` is not kept any more, and `sequenceInFuture` when
  /// `position` has not happened yet.
  func events(_ position: EventPosition, _ filter: EventFilter, limit: Int) async throws(SessionError) -> EventPage

  /// The oldest event still kept and the newest, at one moment; `oldest` is `newest` + 1 when none is kept.
  func sequences() async throws(SessionError) -> (oldest: Int64, newest: Int64)

  /// The sessions that match, all as they stand at one sequence. The filter's kinds do not matter.
  ///
  /// The caller closes it soon: it holds resources, waits when too many are open, and expires.
  func openSnapshot(_ filter: EventFilter) async throws(SessionError) -> any SessionSnapshot

  /// Finishes what was begun and closes; calls that come later throw `closed`.
  func close() async
}

/// All matching sessions as they stand at one sequence, a page at a time.
public protocol SessionSnapshot: Sendable {
  /// Every event up to this one is in the sessions, and none after it.
  var sequence: Int64 { get }

  /// The next sessions, by id; nil after the last. Throws `snapshotExpired`.
  func next() async throws(SessionError) -> [Session]?

  /// Gives the resources back; may be repeated.
  func close() async
}

/// Is told of everything that was committed.
public protocol CommitObserver: Sendable {
  /// Is called on the committer's own thread, in commit order, after a commit succeeded and before its callers are
  /// answered; must be quick. The first time is before the repository has opened, on the thread that opens it, with a
  /// commit of nothing at the newest sequence.
  func committed(_ commit: Commit)
}

/// What one commit changed.
public struct Commit: Sendable {
  /// The new events, in order; empty when only activity was noted.
  public var events: [SessionEvent]
  /// Every session that changed, once, as it stands now.
  public var sessions: [Session]
  /// The sessions that are gone.
  public var deleted: [SessionID]
  /// Sessions that were active, and are otherwise as they were, unless they are among those above.
  public var active: [SessionID]
  /// The newest sequence now.
  public var sequence: Int64
  /// The oldest event still kept; `sequence` + 1 when there is none.
  public var oldestSequence: Int64

  /// Makes a commit.
  public init(
    events: [SessionEvent], sessions: [Session], deleted: [SessionID], active: [SessionID] = [], sequence: Int64,
    oldestSequence: Int64
  ) {
    self.events = events
    self.sessions = sessions
    self.deleted = deleted
    self.active = active
    self.sequence = sequence
    self.oldestSequence = oldestSequence
  }
}
