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

  /// Ends what has no messages, and drains the rest. A session is not touched before all below it have finished, so
  /// that it can take what those have to say to the last.
  func shutDown(_ id: SessionID, reason: String, cascade: Bool) throws(SessionError) -> Waiting<Session> {
    var latest = try existing(id)
    var held: Set<SessionID> = []
    var draining: [SessionID] = []
    var pendingCount = 0
    for id in try below(id, cascade) + [id] {
      latest = try existing(id)
      if !held.contains(id), !latest.status.isFinal {
        let count = try pendingMessages(of: id)
        latest = try count == 0 ? end(id, reason: reason).session : drain(latest)
        if count > 0 {
          pendingCount += count
          draining.append(id)
          held.insert(id)
        }
      }
      if held.contains(id), let parent = latest.parentID { held.insert(parent) }
    }
    return draining.isEmpty ? .done(latest) : .waiting(messages: pendingCount, change: waits.latch(for: draining))
  }

  func forceShutDown(_ id: SessionID, reason: String, cascade: Bool) throws(SessionError) -> ForcedShutdown {
    _ = try existing(id)
    var deadLetteredCount = 0
    for id in try below(id, cascade) { deadLetteredCount += try end(id, reason: reason).deadLetteredCount }
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
    try storing { () throws(StorageFailure) in _ = try releaseAffinity(of: id) }
    return try save(editor, over: session)
  }

  /// Moves a session, unless messages are in delivery to it.
  func migrate(_ id: SessionID, _ migration: Migration) throws(SessionError) -> Waiting<Session> {
    var (session, editor) = try begin(migration, of: id)
    let count = try storing { () throws(StorageFailure) in try queues.inDeliveryCount(of: id, by: self) }
    guard count == 0 else { return .waiting(messages: count, change: waits.latch(for: [id])) }
    if !migration.preservesState {
      try storing { () throws(StorageFailure) in
        _ = try queues.discardAll(of: id, reason: Migration.reason, by: self)
        try restartCounts(of: id)
      }
      // A shutdown may wait for those messages.
      staged.relieved.append(id)
      // It may have been active meanwhile: other threads report.
      (session, editor) = try begin(migration, of: id)
    }
    return .done(try saveActivity(editor, over: session))
  }

  private func begin(_ migration: Migration, of id: SessionID) throws(SessionError) -> (Session, SessionEditor) {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.migrate(to: migration.workspace, preservesState: migration.preservesState)
    return (session, editor)
  }

  func clone(_ id: SessionID, _ draft: CloneDraft) throws(SessionError) -> Session {
    let time = nextTime()
    let clone = try existing(id).clone(draft, id: nextID(), at: time)
    var editor = SessionEditor(clone, at: time, after: state.totals.sequence)
    editor.created()
    let admitted = try admit(editor, metadataText: JSONValue.object(clone.metadata).compactText, request: nil)
    if !draft.resetsState { try storing { () throws(StorageFailure) in try copyCounts(of: id, to: admitted.id) } }
    return admitted
  }

  private func below(_ id: SessionID, _ cascade: Bool) throws(SessionError) -> [SessionID] {
    cascade ? try storing { () throws(StorageFailure) in try descendants(of: id) } : []
  }

  func pendingMessages(of id: SessionID) throws(SessionError) -> Int {
    try storing { () throws(StorageFailure) in try queues.pendingCount(of: id, by: self) }
  }

  func drain(_ session: Session) throws(SessionError) -> Session {
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    editor.drain()
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
