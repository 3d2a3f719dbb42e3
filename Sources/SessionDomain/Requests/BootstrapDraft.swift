/// The input of a bootstrap, as it came.
public struct BootstrapDraft: Hashable, Sendable {
  /// The session to create.
  public var session: SessionDraft
  /// What to allocate.
  public var resources: ResourceDraft
  /// The message types it accepts; empty accepts all.
  public var messageTypes: [String]
  /// The priority of messages that name none, as the contract's number; 0 for none.
  public var priority: Int32

  /// Makes a draft.
  public init(
    session: SessionDraft, resources: ResourceDraft = ResourceDraft(), messageTypes: [String] = [], priority: Int32 = 0
  ) {
    self.session = session
    self.resources = resources
    self.messageTypes = messageTypes
    self.priority = priority
  }

  /// The draft made whole, and everything that is wrong with it, in the order of the fields.
  ///
  /// Whether the parent exists is the repository's to say.
  public func check() -> Checked<NewBootstrap> {
    let session = session.check()
    let resources = resources.check()
    var checker = FieldChecker()
    checker.check(messageTypes: messageTypes, path: "message_types")
    let priority = checker.check(priority: priority)
    let violations = session.violations + resources.violations + checker.violations
    guard let newSession = session.value, let allocation = resources.value else {
      return Checked(value: nil, parentID: session.parentID, violations: violations)
    }
    let bootstrap = NewBootstrap(
      session: newSession, resources: allocation, messageTypes: messageTypes, priority: priority)
    return Checked(value: bootstrap, parentID: session.parentID, violations: violations)
  }
}

/// What a bootstrap makes, all within its limits. Made by `BootstrapDraft.check()`.
public struct NewBootstrap: Hashable, Sendable {
  /// The session.
  public let session: NewSession
  /// What it is allocated.
  public let resources: ResourceAllocation
  /// The message types it accepts.
  public let messageTypes: [String]
  /// The priority of messages that name none.
  public let priority: MessagePriority?
}
