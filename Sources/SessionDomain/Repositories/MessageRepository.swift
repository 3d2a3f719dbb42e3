/// The message bus between sessions. As with sessions, every call that returns has happened for good, and every call
/// that throws changed nothing; any call may throw `storage`, `overloaded` and `closed`.
///
/// A message is kept from before its send returns until it is acknowledged, or a dead letter: it ran out of attempts,
/// expired, or lost its receiver. A session's queue is all of its messages, those in delivery among them. Delivery is at
/// least once: highest priority first, where a message gains one for every 60 s it has waited, and in the order sent
/// within a priority. A message that is not acknowledged in time, or acknowledged with an error, is delivered again
/// after a delay, as often as is allowed. What a receiver holds that closes, or whose server ends, is given back at once,
/// which counts as a delivery, but not against the retries that are allowed.
public protocol MessageRepository: Sendable {
  /// Puts a session on the bus; again, it replaces the registration and keeps the queue.
  ///
  /// Throws `invalidArgument`, `notFound`, `illegalTransition` unless it is at work, or about to be.
  func register(_ id: SessionID, _ draft: RegistrationDraft) async throws(SessionError) -> Session

  /// Takes a session off the bus, at once or when its queue has drained or the time is over. What is queued then goes to
  /// the dead letters. A session that is not on the bus stays as it is.
  ///
  /// A caller whose task is cancelled leaves the session draining. Throws `invalidArgument`, `notFound`.
  func deregister(_ id: SessionID, timeout: Duration?) async throws(SessionError) -> Deregistration

  /// Sends a message, and returns it once for each receiver, by the receiver's id, with its id and times.
  ///
  /// A repeat of `request` within 24 hours returns what the first call did; the same request id with another body throws
  /// `requestIDReused`. A broadcast leaves out who cannot take the message; `noReceiver` when nobody can. Throws
  /// `invalidArgument`, `notFound`, `notAnID`, `affinityNotFound`, `noTarget`, `observerReadOnly`, `notRegistered`,
  /// `draining`, `typeNotAccepted`, `queueFull`.
  func send(_ draft: MessageDraft, request: RequestKey?) async throws(SessionError) -> [Message]

  /// Begins to receive a session's messages; several receivers share them. The caller closes the mailbox.
  ///
  /// Messages come while the session is active or idle, and make an idle one active. `inDeliveryMax` bounds how many the
  /// receiver holds that are not acknowledged: 0 means 16, more than 1000 means 1000. Throws `invalidArgument`,
  /// `notFound`, `notRegistered`.
  func receive(_ id: SessionID, inDeliveryMax: Int) async throws(SessionError) -> MessageMailbox

  /// Settles messages in delivery to a session: done for good, or with an error to be tried again.
  ///
  /// Throws `notFound`.
  func acknowledge(
    _ id: SessionID, messageIDs: [String], error: String
  ) async throws(SessionError) -> Acknowledgement

  /// A page of dead letters, the oldest first; of all sessions, or of one, which may be gone. A page of large messages
  /// has fewer than were asked for.
  ///
  /// Throws `invalidArgument`, `pageTokenInvalid`.
  func deadLetters(of id: SessionID?, pageSize: Int, pageToken: String) async throws(SessionError) -> DeadLetterPage
}

/// How many messages a receiver may hold.
public enum InDeliveryLimit {
  /// When none is asked for.
  public static let standard = 16
  /// The most; larger requests get this.
  public static let max = 1000

  static let violation = FieldViolation(path: "max_in_flight", description: "a number of messages is not negative")

  /// What is wrong with a number that was asked for.
  public static func violations(of number: Int) -> [FieldViolation] {
    number < 0 ? [violation] : []
  }

  /// The number that is meant.
  public static func effective(_ number: Int) -> Int {
    number == 0 ? standard : min(number, max)
  }
}

/// What a deregistration did.
public struct Deregistration: Hashable, Sendable {
  /// The session as it stands then.
  public var session: Session
  /// Messages that were still queued; they are dead letters now.
  public var undeliveredCount: Int

  /// Makes a result.
  public init(session: Session, undeliveredCount: Int) {
    self.session = session
    self.undeliveredCount = undeliveredCount
  }

  /// What is wrong with the time that a session has to drain.
  public static func violations(of timeout: Duration?) -> [FieldViolation] {
    FieldViolation.of(timeout: timeout ?? .zero)
  }
}

/// What an acknowledgement did.
public struct Acknowledgement: Hashable, Sendable {
  /// Messages that were in delivery, and are settled.
  public var count: Int
  /// The ids of which no message was in delivery to the session.
  public var unknownIDs: [String]

  /// Makes a result.
  public init(count: Int, unknownIDs: [String]) {
    self.count = count
    self.unknownIDs = unknownIDs
  }
}

/// A page of dead letters.
public struct DeadLetterPage: Sendable {
  /// The dead letters, the oldest first.
  public var deadLetters: [DeadLetter]
  /// The token of the next page; empty on the last.
  public var nextPageToken: String

  /// Makes a page.
  public init(deadLetters: [DeadLetter], nextPageToken: String) {
    self.deadLetters = deadLetters
    self.nextPageToken = nextPageToken
  }
}
