/// What the lifecycle does to sessions, beside moving and ending them.
extension SessionEditor {
  /// Allocates resources to a session that is `initializing`, instead of those it had.
  ///
  /// Throws `illegalTransition` in any other status, and `constraintExceeded`.
  public mutating func allocate(_ resources: ResourceAllocation) throws(SessionError) {
    guard session.status == .initializing else { throw refusal(to: .initializing) }
    if let violation = resources.violation(of: session.constraints) { throw violation }
    guard resources != session.resources else { return }
    session.resources = resources
    record(.updated) { $0.changedFields = ["resources"] }
  }

  /// Puts the session on the message bus. Throws `illegalTransition` unless it is at work, or about to be.
  public mutating func register(messageTypes: [String], priority: MessagePriority?) throws(SessionError) {
    guard session.status.isLive else { throw refusal(to: .active) }
    session.registration = Registration(
      messageTypes: messageTypes, priority: priority, registerTime: time, isDraining: false)
    record(.registered)
  }

  /// Makes the session `active`, and counts as activity also when it is. Throws `illegalTransition`.
  public mutating func start() throws(SessionError) {
    try move(to: .active, reason: nil)
    noteActivity()
  }

  /// Takes nothing new from the message bus.
  public mutating func drain() {
    guard let isDraining = session.registration?.isDraining, !isDraining else { return }
    session.registration?.isDraining = true
    record(.updated) { $0.changedFields = ["registration"] }
  }

  /// Takes the session off the message bus.
  public mutating func deregister() {
    guard session.registration != nil else { return }
    session.registration = nil
    record(.deregistered)
  }

  /// Notes that a message was delivered, which wakes a session that is idle. Counts as activity.
  public mutating func delivered() throws(SessionError) {
    try move(to: .active, reason: Self.deliveryReason)
    noteActivity()
  }

  /// Why an idle session moves that a message was delivered to.
  public static let deliveryReason = "message delivered"

  /// Moves the session to another workspace; counts as activity also when it is there.
  ///
  /// Throws `illegalTransition` unless it is at work, or about to be.
  public mutating func migrate(to workspace: String, preservesState: Bool) throws(SessionError) {
    guard session.status.isLive else { throw refusal(to: .active) }
    noteActivity()
    if !session.workspace.isSpelled(like: workspace) {
      session.workspace = workspace
      record(.migrated) { $0.changedFields = ["workspace"] }
    }
    guard !preservesState else { return }
    if !session.metadata.isEmpty {
      session.metadata = [:]
      record(.updated) { $0.changedFields = ["metadata"] }
    }
    if session.registration != nil {
      session.registration = nil
      record(.deregistered) { $0.reason = Migration.reason }
    }
  }

  /// Takes back what a finished session was allocated; may be repeated. Throws `notFinished`.
  public mutating func release() throws(SessionError) {
    guard session.status.isFinal else { throw .notFinished(session.id, status: session.status) }
    guard session.resources != nil else { return }
    session.resources = nil
    record(.updated) { $0.changedFields = ["resources"] }
  }

  /// That the session's status does not let it become `status`, nor do what only that one may do.
  func refusal(to status: SessionStatus) -> SessionError {
    .illegalTransition(from: session.status, to: status, allowed: session.status.allowedMoves)
  }
}
