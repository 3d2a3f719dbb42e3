/// Everything that a repository refuses or fails at.
public enum SessionError: Error, Hashable, Sendable {
  /// The request is wrong; every violation, in the order of the fields.
  case invalidArgument([FieldViolation])
  /// No session has this id.
  case notFound(SessionID)
  /// The text is no id, so that no session has it.
  case notAnID(String)
  /// No template has this name.
  case templateNotFound(name: String)
  /// A template has this name already.
  case templateExists(name: String)
  /// The session has no affinity.
  case affinityNotFound(SessionID)
  /// The session is at another revision than expected.
  case revisionConflict(expected: Int64, actual: Int64)
  /// The state machine has no such move.
  case illegalTransition(from: SessionStatus, to: SessionStatus, allowed: [SessionStatus])
  /// The session is in no final status.
  case notFinished(SessionID, status: SessionStatus)
  /// The session has children.
  case hasChildren(SessionID)
  /// An allocation is larger than a constraint allows; bytes, or thousandths of a core.
  case constraintExceeded(constraint: String, allocated: Int64, allowed: Int64)
  /// None of the targets of the session's affinity can take work; why not, as sentences.
  case noTarget(SessionID, explanation: String)
  /// No registered session of the type can take the message.
  case noReceiver(SessionType)
  /// The session is not on the message bus.
  case notRegistered(SessionID)
  /// The session accepts nothing new from the message bus.
  case draining(SessionID)
  /// The session does not accept messages of this type.
  case typeNotAccepted(SessionID, type: String)
  /// Observers do not send messages.
  case observerReadOnly(SessionID)
  /// As many messages as the session's `max-queue` allows wait for it or are in delivery.
  case queueFull(SessionID, max: Int64)
  /// All allocations together would be more than the server has; bytes, or thousandths of a core.
  case capacityExceeded(CapacityShortage)
  /// As many sessions as allowed are in no final status.
  case sessionLimit(max: Int)
  /// Messages still waited for the sessions to shut down, or were in delivery, when the time was over.
  case drainTimeout(pendingCount: Int)
  /// Messages still were in delivery to the session to migrate when the time was over.
  case migrationTimeout(inDeliveryCount: Int)
  /// The request id was used with another body.
  case requestIDReused(requestID: String)
  /// The page token is damaged, or belongs to another query.
  case pageTokenInvalid
  /// Events after this sequence are gone; `oldest` is the oldest one still kept.
  case sequenceCompacted(oldest: Int64)
  /// The sequence has not happened yet; `newest` is the newest that has.
  case sequenceInFuture(newest: Int64)
  /// More waits to be done than the repository holds; nothing was done.
  case overloaded
  /// The read took longer than `limit`; it was ended.
  case tooCostly(limit: Duration)
  /// What was asked for at once takes more than `bytesMax`; less of it may be asked for.
  case pageTooLarge(bytesMax: Int)
  /// The caller left before the answer; nothing was done.
  case cancelled
  /// The snapshot was open for too long, and is closed.
  case snapshotExpired
  /// The repository is closed; nothing was done.
  case closed
  /// The file failed; nothing was done.
  case storage(StorageFailure)
}

/// What a database said when it failed, for the operator's log. It carries no value of any caller.
public struct StorageFailure: Error, Hashable, Sendable {
  /// What an operator can do something about.
  public enum Kind: Hashable, Sendable {
    /// Somebody else holds a lock.
    case busy
    /// The disk, or the file's size limit, is full.
    case full
    /// The file is damaged, or not a database.
    case corrupt
    /// The file cannot be written.
    case readOnly
    /// Reading or writing failed.
    case io
    /// It was told to stop.
    case interrupted
    /// Anything else: a mistake of ours.
    case other
  }

  /// The kind.
  public let kind: Kind
  /// SQLite's extended result code (https://www.sqlite.org/rescode.html).
  public let extendedCode: Int32
  /// The text of the statement, with marks where values were bound.
  public let statement: String

  /// Makes a failure.
  public init(kind: Kind, extendedCode: Int32, statement: String) {
    self.kind = kind
    self.extendedCode = extendedCode
    self.statement = statement
  }
}
