/// The input of an update, as it came: values, and the paths of those to take.
public struct SessionChange: Hashable, Sendable {
  /// The new values; its type is never taken.
  public var values: SessionDraft
  /// The new status as the contract's number; 0 for none.
  public var status: Int32
  /// Why the session moves to the new status.
  public var statusReason: String
  /// Paths among name, status, status_reason, workspace, capabilities, constraints, environment, parent_id, metadata
  /// and metadata.KEY. Empty takes every value that is not the default.
  public var mask: [String]

  /// Makes a change.
  public init(values: SessionDraft, status: Int32 = 0, statusReason: String = "", mask: [String] = []) {
    self.values = values
    self.status = status
    self.statusReason = statusReason
    self.mask = mask
  }

  /// A change of the status alone.
  public static func move(to status: SessionStatus, reason: String = "") -> SessionChange {
    SessionChange(
      values: SessionDraft(type: nil, name: "", workspace: ""), status: status.rawValue, statusReason: reason,
      mask: ["status", "status_reason"])
  }

  /// The change made whole, and everything that is wrong with it, in the order of the fields.
  ///
  /// Whether the parent exists, and what depends on the session as it stands, is the repository's to say.
  public func check() -> Checked<SessionEdit> {
    var checker = FieldChecker()
    var edit = SessionEdit()
    let paths = mask.isEmpty ? Self.paths(of: self) : Self.known(mask, checker: &checker)
    if paths.contains("name") {
      checker.check(name: values.name)
      edit.name = values.name
    }
    checkStatus(paths, into: &edit, checker: &checker)
    if paths.contains("workspace") {
      checker.check(workspace: values.workspace)
      edit.workspace = values.workspace
    }
    checkMetadata(paths, into: &edit, checker: &checker)
    if paths.contains("capabilities") {
      checker.check(capabilities: values.capabilities, path: "session.capabilities")
      edit.capabilities = values.capabilities
    }
    if paths.contains("constraints") {
      checker.check(constraints: values.constraints, path: "session.constraints")
      edit.constraints = values.constraints
    }
    if paths.contains("environment") {
      checker.check(environment: values.environment)
      edit.environment = values.environment
    }
    var parent: SessionID?
    if paths.contains("parent_id") {
      parent = checker.check(parentID: values.parentID)
      edit.parent = parent.map(SessionEdit.Parent.session) ?? SessionEdit.Parent.none
    }
    return Checked(value: edit, parentID: parent, violations: checker.violations + values.malformed)
  }

  private func checkStatus(_ paths: Set<String>, into edit: inout SessionEdit, checker: inout FieldChecker) {
    let hasReason = paths.contains("status_reason")
    if paths.contains("status") {
      if let status = SessionStatus(rawValue: status) {
        edit.move = SessionEdit.Move(status: status, reason: hasReason && !statusReason.isEmpty ? statusReason : nil)
      } else {
        checker.refuse(
          "session.status", "a status is one of INITIALIZING, ACTIVE, IDLE, COMPLETED, ERROR and TERMINATED")
      }
    } else if hasReason {
      checker.refuse("session.status_reason", "a reason goes with a status")
    }
    if hasReason { checker.check(reason: statusReason, path: "session.status_reason") }
  }

  private func checkMetadata(_ paths: Set<String>, into edit: inout SessionEdit, checker: inout FieldChecker) {
    var taken: Set<String> = []
    if paths.contains("metadata") {
      edit.mergesMetadata = true
      taken.formUnion(values.metadata.keys)
    }
    for path in paths {
      guard let key = Self.metadataKey(path) else { continue }
      edit.replacedKeys.insert(key)
      taken.insert(key)
    }
    for key in taken.sorted() {
      let value = values.metadata[key] ?? .null
      checker.check(metadata: value, key: key)
      edit.metadata.updateValue(value == .null ? nil : value, forKey: key)
    }
  }

  private static let plainPaths: Set<String> = [
    "name", "status", "status_reason", "workspace", "capabilities", "constraints", "environment", "parent_id",
    "metadata",
  ]

  // By bytes: a key may begin with an accent, which makes one character of it and the dot.
  private static func metadataKey(_ path: String) -> String? {
    let prefix = "metadata.".utf8
    return path.utf8.starts(with: prefix) ? String(decoding: path.utf8.dropFirst(prefix.count), as: UTF8.self) : nil
  }

  private static func known(_ mask: [String], checker: inout FieldChecker) -> Set<String> {
    var paths: Set<String> = []
    for path in mask {
      if plainPaths.contains(path) || metadataKey(path) != nil {
        paths.insert(path)
      } else {
        checker.refuse(
          "update_mask",
          "'\(path)' is not among name, status, status_reason, workspace, capabilities, constraints, environment, "
            + "parent_id, metadata and metadata.KEY")
      }
    }
    return paths
  }

  private static func paths(of change: SessionChange) -> Set<String> {
    let values = change.values
    let given: [(String, Bool)] = [
      ("name", !values.name.isEmpty), ("status", change.status != 0), ("status_reason", !change.statusReason.isEmpty),
      ("workspace", !values.workspace.isEmpty), ("metadata", !values.metadata.isEmpty),
      ("capabilities", !values.capabilities.isEmpty), ("constraints", !values.constraints.isEmpty),
      ("environment", !values.environment.isEmpty), ("parent_id", !values.parentID.isEmpty),
    ]
    return Set(given.filter(\.1).map(\.0))
  }
}

/// A change of one session, its values all within their limits. Made by `SessionChange.check()`.
public struct SessionEdit: Hashable, Sendable {
  /// A new parent, or none any more.
  public enum Parent: Hashable, Sendable {
    case none
    case session(SessionID)
  }

  /// A move to a status; the old reason goes in any case.
  public struct Move: Hashable, Sendable {
    /// The status to move to.
    public let status: SessionStatus
    /// Why; nil for no reason.
    public let reason: String?
  }

  /// The new name, if it changes.
  public internal(set) var name: String?
  /// The new workspace, if it changes.
  public internal(set) var workspace: String?
  /// The new capabilities, if they change.
  public internal(set) var capabilities: [String]?
  /// The new constraints, if they change.
  public internal(set) var constraints: [String]?
  /// The new environment, if it changes.
  public internal(set) var environment: [String: String]?
  /// The new parent, if it changes.
  public internal(set) var parent: Parent?
  /// The move, if there is one.
  public internal(set) var move: Move?
  /// The members of the metadata that change; nil removes one.
  public internal(set) var metadata: [String: JSONValue?] = [:]

  var mergesMetadata = false
  var replacedKeys: Set<String> = []
}
