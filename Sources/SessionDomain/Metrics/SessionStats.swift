/// Counts over all sessions at one moment.
public struct SessionStats: Hashable, Sendable {
  /// Sessions of each type, zero or not.
  public var byType: [SessionType: Int64]
  /// Sessions in each status, zero or not.
  public var byStatus: [SessionStatus: Int64]
  /// The mean uptime of the sessions that ever started; zero when none did.
  public var averageUptime: Duration
  /// All tasks that were ever reported, those of sessions that were deleted too.
  public var tasksProcessed: Int64
  /// The counts hold at this event.
  public var sequence: Int64

  /// Makes counts.
  public init(
    byType: [SessionType: Int64], byStatus: [SessionStatus: Int64], averageUptime: Duration, tasksProcessed: Int64,
    sequence: Int64
  ) {
    self.byType = byType
    self.byStatus = byStatus
    self.averageUptime = averageUptime
    self.tasksProcessed = tasksProcessed
    self.sequence = sequence
  }

  /// All sessions.
  public var sessionsCount: Int64 { byType.values.reduce(0, +) }
}
