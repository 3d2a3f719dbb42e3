import SessionDomain

extension SQLiteSessionRepository: MessageRepository {
  /// Puts a session on the message bus; see `MessageRepository`.
  public func register(_ id: SessionID, _ draft: RegistrationDraft) async throws(SessionError) -> Session {
    let violations = draft.violations()
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    return try await committer.submit { (writer) throws(SessionError) in try writer.register(id, draft) }
  }

  /// Takes a session off the message bus; see `MessageRepository`.
  public func deregister(_ id: SessionID, timeout: Duration?) async throws(SessionError) -> Deregistration {
    let violations = Deregistration.violations(of: timeout)
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    guard let timeout, timeout > .zero else { return try await deregisterAtOnce(id) }
    return try await finish(
      within: timeout, orElse: { (_) throws(SessionError) in try await deregisterAtOnce(id) },
      { (writer) throws(SessionError) in try writer.deregisterDrained(id) })
  }

  private func deregisterAtOnce(_ id: SessionID) async throws(SessionError) -> Deregistration {
    try await committer.submit { (writer) throws(SessionError) in try writer.deregister(id) }
  }

  /// Sends a message; see `MessageRepository`.
  public func send(_ draft: MessageDraft, request: RequestKey?) async throws(SessionError) -> [Message] {
    let checked = draft.check(at: clock.now())
    let violations = checked.violations + (request?.violations() ?? [])
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    guard let new = checked.value else { throw .notAnID(draft.strangeID ?? "") }
    return try await committer.submit(needsSavepoint: false) { (writer) throws(SessionError) in
      try writer.send(new, request: request)
    }
  }

  /// Begins to receive messages; see `MessageRepository`.
  public func receive(_ id: SessionID, inDeliveryMax: Int) async throws(SessionError) -> MessageMailbox {
    let violations = InDeliveryLimit.violations(of: inDeliveryMax)
    guard violations.isEmpty else { throw .invalidArgument(violations) }
    let limit = InDeliveryLimit.effective(inDeliveryMax)
    let notes = notes
    let mailbox = MessageMailbox(
      whenRoom: { notes.noteRoom(for: id) }, whenClosed: { notes.noteClosed($0) })
    try await committer.submit { (writer) throws(SessionError) in
      try writer.receive(id, mailbox, inDeliveryMax: limit)
    }
    return mailbox
  }

  /// Settles messages in delivery; see `MessageRepository`.
  public func acknowledge(
    _ id: SessionID, messageIDs: [String], error: String
  ) async throws(SessionError) -> Acknowledgement {
    try await committer.submit(needsSavepoint: false) { (writer) throws(SessionError) in
      try writer.acknowledge(id, messageIDs, error: error)
    }
  }

  /// A page of dead letters; see `MessageRepository`.
  public func deadLetters(
    of id: SessionID?, pageSize: Int, pageToken: String
  ) async throws(SessionError) -> DeadLetterPage {
    let list = try DeadLetterList(of: id, pageSize: pageSize, pageToken: pageToken)
    return try await readers.readAtOnce { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in try list.run(database) }
    }
  }
}
