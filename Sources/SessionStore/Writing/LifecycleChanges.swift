import SessionDomain

/// The changes that bring sessions up and take them down, each to be applied by itself.
extension Writer {
  func bootstrap(_ new: NewBootstrap, request: RequestKey?) throws(SessionError) -> Session {
    if let request, let session = try sessionOfEarlier(request) { return session }
    try checkParent(new.session.parentID)
    var editor = begin(new.session)
    try editor.allocate(new.resources)
    try editor.register(messageTypes: new.messageTypes, priority: new.priority)
    try editor.start()
    return try admit(editor, metadataText: new.session.metadataText, request: request)
  }

  func initialize(_ id: SessionID, _ resources: ResourceAllocation) throws(SessionError) -> Session {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.allocate(resources)
    try checkCapacity(replacing: session, with: editor.session)
    return try save(editor, over: session)
  }

  func start(_ id: SessionID) throws(SessionError) -> Session {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.start()
    return try saveActivity(editor, over: session)
  }

  func forceShutDown(_ id: SessionID, reason: String, cascade: Bool) throws(SessionError) -> ForcedShutdown {
    _ = try existing(id)
    let below = cascade ? try storing { () throws(StorageFailure) in try descendants(of: id) } : []
    var deadLetteredCount = 0
    for id in below { deadLetteredCount += try end(id, reason: reason).deadLetteredCount }
    var shutdown = try end(id, reason: reason)
    shutdown.deadLetteredCount += deadLetteredCount
    return shutdown
  }

  func shutDownAll(reason: String) throws(SessionError) -> [SessionID] {
    let ids = try storing { () throws(StorageFailure) in try unfinished() }
    for id in ids { _ = try end(id, reason: reason) }
    return ids
  }

  func cleanUp(_ id: SessionID) throws(SessionError) -> Session {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.release()
    return try save(editor, over: session)
  }

  /// Terminates a session, unless it has finished.
  private func end(_ id: SessionID, reason: String) throws(SessionError) -> ForcedShutdown {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.terminate(reason: reason)
    guard !editor.events.isEmpty else { return ForcedShutdown(session: session, deadLetteredCount: 0) }
    let count = try storing { () throws(StorageFailure) in
      try replace(session, with: editor.session, events: editor.events)
    }
    return ForcedShutdown(session: editor.session, deadLetteredCount: count)
  }

  /// Keeps what became of a session, if anything did.
  private func save(_ editor: SessionEditor, over old: Session) throws(SessionError) -> Session {
    guard !editor.events.isEmpty else { return old }
    try storing { () throws(StorageFailure) in _ = try replace(old, with: editor.session, events: editor.events) }
    return editor.session
  }
}
