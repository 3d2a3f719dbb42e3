import SessionDomain

/// The changes of sessions, each to be applied by itself.
extension Writer {
  func create(_ new: NewSession, request: RequestKey?) throws(SessionError) -> Session {
    if let request, let session = try sessionOfEarlier(request) { return session }
    try checkParent(new.parentID)
    return try admit(begin(new), metadataText: new.metadataText, request: request)
  }

  func update(_ id: SessionID, _ edit: SessionEdit, expectedRevision: Int64?) throws(SessionError) -> Session {
    if case .session(let parent) = edit.parent { try checkParent(parent, over: id) }
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.checkArguments(of: edit)
    try check(session, expectedRevision)
    try editor.apply(edit)
    return try saveActivity(editor, over: session)
  }

  func delete(
    _ id: SessionID, force: Bool, allowMissing: Bool, expectedRevision: Int64?
  ) throws(SessionError) -> Bool {
    guard let session = try storing({ () throws(StorageFailure) in try find(id) }) else {
      guard allowMissing else { throw .notFound(id) }
      return false
    }
    try check(session, expectedRevision)
    let children = try storing { () throws(StorageFailure) in try childIDs(of: id) }
    if !force {
      guard session.status.isFinal else { throw .notFinished(id, status: session.status) }
      guard children.isEmpty else { throw .hasChildren(id) }
    }
    let time = nextTime()
    for child in children { try removeParent(of: child, at: time) }
    var editor = SessionEditor(session, at: time, after: state.totals.sequence)
    try editor.terminate(reason: ShutdownReason.forced)
    editor.deleted()
    try storing { () throws(StorageFailure) in try remove(session, events: editor.events) }
    return true
  }

  func existing(_ id: SessionID) throws(SessionError) -> Session {
    guard let session = try storing({ () throws(StorageFailure) in try find(id) }) else { throw .notFound(id) }
    return session
  }

  /// Begins a session; its parent was checked.
  func begin(_ new: NewSession) -> SessionEditor {
    let time = nextTime()
    var editor = SessionEditor(
      new.session(id: nextID(), at: time, revision: 0), at: time, after: state.totals.sequence)
    editor.created()
    return editor
  }

  /// Takes in a session that was begun, where there is room for it.
  func admit(_ editor: SessionEditor, metadataText: String, request: RequestKey?) throws(SessionError) -> Session {
    let session = editor.session
    guard state.totals.unfinished < Int64(settings.maxSessions) else { throw .sessionLimit(max: settings.maxSessions) }
    try checkCapacity(replacing: nil, with: session)
    try storing { () throws(StorageFailure) in
      try insert(session, metadataText: metadataText, events: editor.events)
      if let request { try note(request, made: session.id, at: session.createTime) }
    }
    return session
  }

  /// Keeps what became of a session that was active, be it nothing.
  func saveActivity(_ editor: SessionEditor, over old: Session) throws(SessionError) -> Session {
    try storing { () throws(StorageFailure) in
      if editor.events.isEmpty {
        try touch(editor.session)
      } else {
        _ = try replace(old, with: editor.session, events: editor.events)
      }
    }
    staged.active.append(old.id)
    return editor.session
  }

  func checkCapacity(replacing old: Session?, with session: Session) throws(SessionError) {
    let shortage = settings.capacity.shortage(
      replacing: old?.resources, with: session.resources, of: state.totals.allocated)
    if let shortage { throw .capacityExceeded(shortage) }
  }

  private func check(_ session: Session, _ expectedRevision: Int64?) throws(SessionError) {
    if let expectedRevision, expectedRevision != session.revision {
      throw .revisionConflict(expected: expectedRevision, actual: session.revision)
    }
  }

  private func removeParent(of id: SessionID, at time: Timestamp) throws(SessionError) {
    let child = try existing(id)
    var editor = SessionEditor(child, at: time, after: state.totals.sequence)
    editor.removeParent()
    try storing { () throws(StorageFailure) in _ = try replace(child, with: editor.session, events: editor.events) }
  }
}
