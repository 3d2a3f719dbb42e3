import SessionDomain

/// The changes of sessions, each to be applied by itself.
extension Writer {
  func create(_ new: NewSession, request: RequestKey?) throws(SessionError) -> Session {
    if let request, let session = try sessionOfEarlier(request) { return session }
    try checkParent(new.parentID)
    guard state.totals.unfinished < Int64(settings.maxSessions) else { throw .sessionLimit(max: settings.maxSessions) }
    let time = nextTime()
    var editor = SessionEditor(
      new.session(id: nextID(), at: time, revision: 0), at: time, after: state.totals.sequence)
    editor.created()
    try storing { () throws(StorageFailure) in
      try insert(editor.session, metadataText: new.metadataText, events: editor.events)
      if let request { try note(request, made: editor.session.id, at: time) }
    }
    return editor.session
  }

  func update(_ id: SessionID, _ edit: SessionEdit, expectedRevision: Int64?) throws(SessionError) -> Session {
    if case .session(let parent) = edit.parent { try checkParent(parent) }
    let session = try existing(id)
    if case .session(let parent) = edit.parent { try checkCycle(of: id, under: parent) }
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.checkArguments(of: edit)
    try check(session, expectedRevision)
    try editor.apply(edit)
    try storing { () throws(StorageFailure) in
      if editor.events.isEmpty {
        try touch(editor.session)
      } else {
        try replace(session, with: editor.session, events: editor.events)
      }
    }
    return editor.session
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
    try editor.terminate(reason: "forced")
    editor.deleted()
    try storing { () throws(StorageFailure) in try remove(session, events: editor.events) }
    return true
  }

  private func existing(_ id: SessionID) throws(SessionError) -> Session {
    guard let session = try storing({ () throws(StorageFailure) in try find(id) }) else { throw .notFound(id) }
    return session
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
    try storing { () throws(StorageFailure) in try replace(child, with: editor.session, events: editor.events) }
  }
}

// MARK: Parents

extension Writer {
  private func checkParent(_ id: SessionID?) throws(SessionError) {
    guard let id else { return }
    let exists = try storing { () throws(StorageFailure) in try SessionLookup.exists(id, in: database) }
    guard exists else { throw .invalidArgument([ParentRule.missing]) }
  }

  private func checkCycle(of id: SessionID, under parent: SessionID) throws(SessionError) {
    var ancestor: SessionID? = parent
    while let next = ancestor {
      guard next != id else { throw .invalidArgument([ParentRule.cycle]) }
      ancestor = try storing { () throws(StorageFailure) in try SessionLookup.parent(of: next, in: database) ?? nil }
    }
  }

  private func childIDs(of id: SessionID) throws(StorageFailure) -> [SessionID] {
    let statement = try database.statement("SELECT id FROM sessions WHERE parent_id = ? ORDER BY id")
    defer { statement.reset() }
    statement.bind(id.description)
    var children: [SessionID] = []
    while try statement.step() {
      var row = statement.row
      guard let child = SessionID(row.text()) else { throw SessionRow.damaged }
      children.append(child)
    }
    return children
  }
}

/// What is wrong with a parent that the file does not allow.
enum ParentRule {
  static let missing = missing(at: "session.parent_id")
  static let cycle = FieldViolation(
    path: "session.parent_id", description: "a session is not above itself: its parent may not be one of its own line")

  static func missing(at path: String) -> FieldViolation {
    FieldViolation(path: path, description: "a parent is an existing session")
  }
}
