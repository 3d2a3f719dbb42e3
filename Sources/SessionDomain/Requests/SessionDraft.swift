/// The input of a create, as it came.
public struct SessionDraft: Hashable, Sendable {
  /// The role; nil when the request named none, or one that does not exist.
  public var type: SessionType?
  /// The name.
  public var name: String
  /// The absolute path to work in.
  public var workspace: String
  /// The members of the metadata object.
  public var metadata: [String: JSONValue]
  /// What the session can do; when empty, `metadata.capabilities` is taken if it is a list of strings.
  public var capabilities: [String]
  /// The session's limits; when empty, `metadata.constraints` is taken if it is a list of strings.
  public var constraints: [String]
  /// Environment variables.
  public var environment: [String: String]
  /// The parent's id as it came; empty for none.
  public var parentID: String
  /// What was wrong with the request already as it was read.
  public var malformed: [FieldViolation] = []

  /// Makes a draft; what is not named is empty.
  public init(
    type: SessionType?, name: String, workspace: String, metadata: [String: JSONValue] = [:],
    capabilities: [String] = [], constraints: [String] = [], environment: [String: String] = [:], parentID: String = ""
  ) {
    self.type = type
    self.name = name
    self.workspace = workspace
    self.metadata = metadata
    self.capabilities = capabilities
    self.constraints = constraints
    self.environment = environment
    self.parentID = parentID
  }

  /// The draft made whole, and everything that is wrong with it, in the order of the fields.
  ///
  /// Whether the parent exists is the repository's to say.
  public func check() -> Checked<NewSession> {
    var checker = FieldChecker()
    if type == nil { checker.refuse("session.type", "a type is one of DIRECTOR, DEPARTMENT, OBSERVER and ACTIVE") }
    checker.check(name: name)
    checker.check(workspace: workspace)

    let metadata = metadata.filter { $0.value != .null }
    checker.check(metadata: metadata)
    let metadataText = checker.compactText(ofMetadata: metadata)

    let listed = Self.list(capabilities, orOf: metadata, key: "capabilities")
    checker.check(capabilities: listed.entries, path: listed.path)
    let limits = Self.list(constraints, orOf: metadata, key: "constraints")
    checker.check(constraints: limits.entries, path: limits.path)
    checker.check(environment: environment)
    let parent = checker.check(parentID: parentID)

    let session = type.map { type in
      NewSession(
        type: type, name: name, workspace: workspace, metadata: metadata, metadataText: metadataText,
        capabilities: listed.entries, constraints: limits.entries, environment: environment, parentID: parent)
    }
    return Checked(value: session, parentID: parent, violations: checker.violations + malformed)
  }

  private static func list(
    _ given: [String], orOf metadata: [String: JSONValue], key: String
  ) -> (entries: [String], path: String) {
    guard given.isEmpty, let strings = metadata[key]?.strings else { return (given, "session.\(key)") }
    return (strings, "session.metadata.\(key)")
  }
}

/// What checking an input gave.
public struct Checked<Value: Sendable>: Sendable {
  /// The input made whole; to be used only when nothing is wrong with it. Nil when there is none.
  public let value: Value?
  /// The parent that it names, if that is an id at all.
  public let parentID: SessionID?
  /// Everything that is wrong, in the order of the fields.
  public private(set) var violations: [FieldViolation]

  /// With one more thing that is wrong.
  public func adding(_ violation: FieldViolation) -> Checked {
    var copy = self
    copy.violations.append(violation)
    return copy
  }
}

/// The contents of a session to create, all within their limits. Made by `SessionDraft.check()`.
public struct NewSession: Hashable, Sendable {
  /// The role.
  public let type: SessionType
  /// The name.
  public let name: String
  /// The path to work in.
  public let workspace: String
  /// The metadata, without nulls at the top.
  public let metadata: [String: JSONValue]
  /// The metadata as compact JSON.
  public let metadataText: String
  /// What the session can do.
  public let capabilities: [String]
  /// The session's limits.
  public let constraints: [String]
  /// Environment variables.
  public let environment: [String: String]
  /// The parent, which may not exist.
  public let parentID: SessionID?
  /// The template that it is made from.
  public internal(set) var templateName: String?

  /// The session that this becomes with `id`, at `time` and `revision`.
  public func session(id: SessionID, at time: Timestamp, revision: Int64) -> Session {
    var session = Session(
      id: id, type: type, name: name, workspace: workspace, createTime: time, revision: revision)
    session.metadata = metadata
    session.capabilities = capabilities
    session.constraints = constraints
    session.environment = environment
    session.parentID = parentID
    session.templateName = templateName
    return session
  }
}
