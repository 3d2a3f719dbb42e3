/// How a session is copied, as it came.
public struct CloneDraft: Hashable, Sendable {
  /// The copy's name; empty means the source's followed by "-clone".
  public var name: String
  /// Whether the copy starts in `initializing`; without it, it has the source's status, which may not be
  /// final, and goes on counting where the source is.
  public var resetsState: Bool
  /// Whether the copy is allocated what the source has.
  public var copiesResources: Bool

  /// Makes a draft.
  public init(name: String = "", resetsState: Bool = false, copiesResources: Bool = false) {
    self.name = name
    self.resetsState = resetsState
    self.copiesResources = copiesResources
  }

  /// Everything that is wrong with it.
  public func violations() -> [FieldViolation] {
    guard !name.isEmpty else { return [] }
    var checker = FieldChecker(prefix: "")
    checker.check(name: name)
    return checker.violations
  }
}

extension Session {
  /// A copy of this session with `id`, made at `time`: never with its registration.
  ///
  /// Throws `illegalTransition` for a copy of a final session that is not to start anew.
  public func clone(_ draft: CloneDraft, id: SessionID, at time: Timestamp) throws(SessionError) -> Session {
    guard draft.resetsState || !status.isFinal else {
      throw .illegalTransition(from: status, to: .initializing, allowed: status.allowedMoves)
    }
    var clone = Session(
      id: id, type: type, name: draft.name.isEmpty ? defaultCloneName : draft.name, workspace: workspace,
      createTime: time, revision: 0)
    clone.metadata = metadata
    clone.capabilities = capabilities
    clone.constraints = constraints
    clone.environment = environment
    clone.parentID = parentID
    clone.templateName = templateName
    clone.clonedFrom = self.id
    if draft.copiesResources { clone.resources = resources }
    if !draft.resetsState {
      clone.status = status
      clone.statusReason = statusReason
      // The copy became active as it was made.
      if startTime != nil { clone.startTime = time }
    }
    return clone
  }

  private var defaultCloneName: String {
    let suffix = "-clone"
    var name = name
    while name.unicodeScalars.count > FieldLimits.nameCharactersMax - suffix.count { name.removeLast() }
    return name + suffix
  }
}
