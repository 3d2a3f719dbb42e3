/// What a session's health is judged by.
public struct VitalSigns: Hashable, Sendable {
  /// The session.
  public var sessionID: SessionID
  /// Its status.
  public var status: SessionStatus
  /// Its constraints, as they were given.
  public var constraints: [String]
  /// What it was allocated.
  public var resources: ResourceAllocation?
  /// When it first became active.
  public var startTime: Timestamp?
  /// When it reached a final status.
  public var endTime: Timestamp?
  /// When it was last active, by the clock on the wall.
  public var lastActivityTime: Timestamp
  /// How long it has been without activity, by a clock that only goes forward; nil where that does not matter.
  public var idleTime: Duration?
  /// How long it may be without activity; nil for ever.
  public var timeout: Duration?
  /// What it uses, as last reported.
  public var usage = ResourceUsage(memoryBytes: 0, cpu: 0)
  /// What it processed in the metrics window.
  public var rates = ProcessingRates()
  /// Messages that wait for it or are in delivery.
  public var queuedMessages: Int64 = 0
  /// When all this was so.
  public var checkTime: Timestamp

  /// Makes the signs of a session that reported nothing.
  public init(
    sessionID: SessionID, status: SessionStatus, constraints: [String] = [], resources: ResourceAllocation? = nil,
    startTime: Timestamp? = nil, endTime: Timestamp? = nil, lastActivityTime: Timestamp, checkTime: Timestamp
  ) {
    self.sessionID = sessionID
    self.status = status
    self.constraints = constraints
    self.resources = resources
    self.startTime = startTime
    self.endTime = endTime
    self.lastActivityTime = lastActivityTime
    self.checkTime = checkTime
  }

  /// Since it first became active, until its end.
  public var uptime: Duration {
    guard let startTime else { return .zero }
    return .microseconds(max(0, (endTime ?? checkTime).microseconds - startTime.microseconds))
  }
}
