/// A session on its way through one transaction: what it becomes, and the events that tell.
///
/// Events carry their sequences from the start; the caller takes them in this order or drops all of them.
public struct SessionEditor: Sendable {
  /// The session as it stands now.
  public internal(set) var session: Session
  /// What happened so far, in order.
  public private(set) var events: [SessionEvent] = []
  /// The sequence of the last event, or the one before the first.
  public private(set) var sequence: Int64

  /// When all of it happens.
  let time: Timestamp

  /// Starts to change `session` at `time`; its first event follows `sequence`.
  public init(_ session: Session, at time: Timestamp, after sequence: Int64) {
    self.session = session
    self.time = time
    self.sequence = sequence
  }

  /// Makes the first event of a new session.
  public mutating func created() {
    record(.created)
  }

  /// Makes all changes of an update, the fields first, then the status. Counts as activity also when nothing changes.
  ///
  /// Throws `invalidArgument` when the metadata grows too large, then `illegalTransition` or `constraintExceeded`.
  /// The parent must exist and make no cycle.
  public mutating func apply(_ edit: SessionEdit) throws(SessionError) {
    let before = session
    try replaceMetadata(edit)
    if let move = edit.move, move.status != before.status { try Self.check(before.status, to: move.status) }
    replaceFields(edit)
    if edit.constraints != nil, let violation = session.resources?.violation(of: session.constraints) {
      session = before
      throw violation
    }
    let changed = changedFields(edit, since: before)
    noteActivity()
    if !changed.isEmpty { record(.updated) { $0.changedFields = changed } }
    if let move = edit.move { try self.move(to: move.status, reason: move.reason) }
  }

  /// Notes that the session is active now. It may have reported a moment later than this change began.
  mutating func noteActivity() { session.lastActivityTime = max(session.lastActivityTime, time) }

  /// Checks what `apply` would refuse as an invalid argument, before anything else is looked at.
  public func checkArguments(of edit: SessionEdit) throws(SessionError) {
    var copy = self
    try copy.replaceMetadata(edit)
  }

  /// Moves the session to `status`; the same status changes nothing. Throws `illegalTransition`.
  public mutating func move(to status: SessionStatus, reason: String?) throws(SessionError) {
    let old = session.status
    guard status != old else { return }
    try Self.check(old, to: status)
    session.status = status
    session.statusReason = reason
    if status == .active, session.startTime == nil { session.startTime = time }
    if status.isFinal { session.endTime = time }
    record(.statusChanged) { event in
      event.oldStatus = old
      event.reason = reason ?? ""
    }
    switch status {
    case .error: record(.error) { $0.error = reason ?? "" }
    case .terminated: record(.terminated) { $0.reason = reason ?? "" }
    case .initializing, .active, .idle, .completed: break
    }
    if status.isFinal, session.registration != nil {
      session.registration = nil
      record(.deregistered) { $0.reason = reason ?? "" }
    }
  }

  /// Ends the session from whatever status it is in; a final one changes nothing.
  public mutating func terminate(reason: String) throws(SessionError) {
    for status in session.status.movesToTermination {
      try move(to: status, reason: status == .error ? "shut down before it started: \(reason)" : reason)
    }
  }

  /// Takes the parent away, as when the parent is deleted.
  public mutating func removeParent() {
    guard session.parentID != nil else { return }
    session.parentID = nil
    record(.updated) { $0.changedFields = ["parent_id"] }
  }

  /// Makes the last event of a session.
  public mutating func deleted() {
    record(.deleted)
  }

  /// Tells that the session is better or worse than before, which changes nothing of it.
  public mutating func noteHealth(_ health: HealthStatus, was old: HealthStatus) {
    let before = session
    record(.healthChanged) { event in
      event.oldHealth = old.description
      event.newHealth = health.description
    }
    session = before
  }

  /// Adds an event about the session as it stands.
  mutating func record(_ kind: EventKind, _ addDetails: (inout SessionEvent) -> Void = { _ in }) {
    sequence += 1
    var event = SessionEvent(sequence: sequence, time: time, kind: kind, session: session)
    addDetails(&event)
    events.append(event)
    session.revision = sequence
    session.updateTime = time
  }

  private static func check(_ from: SessionStatus, to status: SessionStatus) throws(SessionError) {
    guard from.canMove(to: status) else {
      throw .illegalTransition(from: from, to: status, allowed: from.allowedMoves)
    }
  }

  private mutating func replaceMetadata(_ edit: SessionEdit) throws(SessionError) {
    guard !edit.metadata.isEmpty else { return }
    let before = session.metadata
    for (key, value) in edit.metadata { session.metadata[key] = value }
    guard JSONValue.object(session.metadata).compactByteCount > FieldLimits.metadataBytesMax else { return }
    session.metadata = before
    throw .invalidArgument([FieldViolation(path: "session.metadata", description: FieldChecker.metadataTooLarge)])
  }

  private mutating func replaceFields(_ edit: SessionEdit) {
    if let name = edit.name { session.name = name }
    if let workspace = edit.workspace { session.workspace = workspace }
    if let capabilities = edit.capabilities { session.capabilities = capabilities }
    if let constraints = edit.constraints { session.constraints = constraints }
    if let environment = edit.environment { session.environment = environment }
    switch edit.parent {
    case nil: break
    case SessionEdit.Parent.none?: session.parentID = nil
    case .session(let id)?: session.parentID = id
    }
  }

  private func changedFields(_ edit: SessionEdit, since before: Session) -> [String] {
    var paths: [String] = []
    // Two spellings of one text are a change: `==` would call them equal.
    if !session.name.isSpelled(like: before.name) { paths.append("name") }
    if !session.workspace.isSpelled(like: before.workspace) { paths.append("workspace") }
    let changedKeys = edit.metadata.keys.filter { !session.metadata[$0].isSpelled(like: before.metadata[$0]) }
    if edit.mergesMetadata, changedKeys.contains(where: { !edit.replacedKeys.contains($0) }) {
      paths.append("metadata")
    }
    paths += changedKeys.filter(edit.replacedKeys.contains).sorted().map { "metadata.\($0)" }
    if !session.capabilities.isSpelled(like: before.capabilities) { paths.append("capabilities") }
    if !session.constraints.isSpelled(like: before.constraints) { paths.append("constraints") }
    if !session.environment.isSpelled(like: before.environment) { paths.append("environment") }
    if session.parentID != before.parentID { paths.append("parent_id") }
    return paths
  }
}
