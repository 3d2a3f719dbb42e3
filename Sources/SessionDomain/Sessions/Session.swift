/// One orchestration session, as it stands at one revision.
public struct Session: Hashable, Sendable {
  /// The session's name, chosen by the server.
  public var id: SessionID
  /// The role it plays.
  public var type: SessionType
  /// 1 to 256 characters; not unique.
  public var name: String
  /// Where it is in its life.
  public var status: SessionStatus
  /// The absolute path it works in.
  public var workspace: String
  /// The members of a free-form JSON object.
  public var metadata: [String: JSONValue]
  /// What it can do.
  public var capabilities: [String]
  /// Limits it must keep, as `name:value`.
  public var constraints: [String]
  /// Environment variables for its processes.
  public var environment: [String: String]
  /// The session that directs this one.
  public var parentID: SessionID?
  /// What it was allocated.
  public var resources: ResourceAllocation?
  /// Its place on the message bus, while it has one.
  public var registration: Registration?
  /// The template it was created from.
  public var templateName: String?
  /// The session it was cloned from.
  public var clonedFrom: SessionID?
  /// Why it is in its status: the error, or the reason.
  public var statusReason: String?
  /// When it was created.
  public var createTime: Timestamp
  /// When an event last changed it.
  public var updateTime: Timestamp
  /// When it first became active.
  public var startTime: Timestamp?
  /// When it reached a final status.
  public var endTime: Timestamp?
  /// When it was last active.
  public var lastActivityTime: Timestamp
  /// The sequence of the last event that changed it.
  public var revision: Int64

  /// Makes a session that was just created; what is not named is empty.
  public init(
    id: SessionID, type: SessionType, name: String, status: SessionStatus = .initializing, workspace: String,
    createTime: Timestamp, revision: Int64
  ) {
    self.id = id
    self.type = type
    self.name = name
    self.status = status
    self.workspace = workspace
    self.metadata = [:]
    self.capabilities = []
    self.constraints = []
    self.environment = [:]
    self.createTime = createTime
    self.updateTime = createTime
    self.lastActivityTime = createTime
    self.revision = revision
  }
}

/// Resources as the server counts them.
public struct ResourceAllocation: Hashable, Sendable {
  /// Memory in bytes.
  public var memoryBytes: Int64
  /// Processor time in thousandths of a core.
  public var cpuMillicores: Int64
  /// Disk space in bytes.
  public var diskBytes: Int64

  /// Makes an allocation.
  public init(memoryBytes: Int64, cpuMillicores: Int64, diskBytes: Int64) {
    self.memoryBytes = memoryBytes
    self.cpuMillicores = cpuMillicores
    self.diskBytes = diskBytes
  }
}

/// A session's place on the message bus.
public struct Registration: Hashable, Sendable {
  /// The message types it accepts; empty accepts all.
  public var messageTypes: [String]
  /// The priority of messages that name none.
  public var priority: MessagePriority?
  /// When it was registered.
  public var registerTime: Timestamp
  /// Whether nothing new is accepted any more.
  public var isDraining: Bool

  /// Makes a registration.
  public init(messageTypes: [String], priority: MessagePriority?, registerTime: Timestamp, isDraining: Bool) {
    self.messageTypes = messageTypes
    self.priority = priority
    self.registerTime = registerTime
    self.isDraining = isDraining
  }
}
