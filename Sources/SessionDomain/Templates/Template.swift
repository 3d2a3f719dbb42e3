/// A named blueprint for sessions. It never changes: another one is made under another name, or after it is deleted.
public struct Template: Hashable, Sendable {
  /// Unique: 1 to 128 of a-z, 0-9, '-', '_' and '.'.
  public var name: String
  /// The role of its sessions.
  public var type: SessionType
  /// The members of its sessions' metadata; `standardCapabilities` and `standardConstraints` in it become the
  /// sessions' capabilities and constraints too.
  public var metadata: [String: JSONValue]
  /// What its sessions can do.
  public var capabilities: [String]
  /// Limits its sessions must keep, as `name:value`.
  public var constraints: [String]
  /// Environment variables for its sessions' processes.
  public var environment: [String: String]
  /// When it was created.
  public var createTime: Timestamp

  /// Makes a template; what is not named is empty.
  public init(name: String, type: SessionType, createTime: Timestamp) {
    self.name = name
    self.type = type
    self.metadata = [:]
    self.capabilities = []
    self.constraints = []
    self.environment = [:]
    self.createTime = createTime
  }
}
