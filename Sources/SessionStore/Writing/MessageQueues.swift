import SessionDomain

/// What the message bus holds for sessions, for the changes that end and move them.
///
/// Numbers are asked, and messages discarded, inside of the change's transaction. Whatever takes messages from a queue
/// adds their sessions to `Writer.staged.relieved`, so that who waits for that looks again after the commit.
protocol MessageQueues: Sendable {
  /// How many messages wait for a session or are in delivery to it.
  func pendingCount(of id: SessionID, by writer: Writer) throws(StorageFailure) -> Int

  /// How many messages are in delivery to a session.
  func inDeliveryCount(of id: SessionID, by writer: Writer) throws(StorageFailure) -> Int

  /// Sends every message that waits for a session or is in delivery to it to the dead letters; how many they were.
  func discardAll(of id: SessionID, reason: String, by writer: Writer) throws(StorageFailure) -> Int

  /// Begins no delivery to a session until as many calls have resumed them. On any thread.
  func pauseDeliveries(to id: SessionID)

  /// Ends one pause. On any thread.
  func resumeDeliveries(to id: SessionID)
}

/// What came of a change that may have to wait for messages to go.
enum Waiting<Output: Sendable>: Sendable {
  case done(Output)
  /// So many messages are in the way. The latch opens when there may be fewer.
  case waiting(messages: Int, change: Latch)
}

/// Who waits for messages of which sessions to go. Lives on the committer's thread.
struct MessageWaits {
  private var latches: [SessionID: [Latch]] = [:]

  /// Opens after the next commit with which messages of one of these sessions went, or one of these sessions ended.
  mutating func latch(for ids: [SessionID]) -> Latch {
    let latch = Latch()
    for id in ids { latches[id] = (latches[id] ?? []).filter { !$0.isOpen } + [latch] }
    return latch
  }

  mutating func wake(_ changes: Writer.Changes) {
    guard !latches.isEmpty else { return }
    let ended = changes.sessions.filter(\.status.isFinal).map(\.id)
    wake(changes.relieved + changes.deleted + ended)
  }

  mutating func wake(_ ids: [SessionID]) {
    for id in ids {
      for latch in latches.removeValue(forKey: id) ?? [] { latch.open() }
    }
  }
}
