import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

extension SessionAPI.SessionStats {
  init(_ stats: SessionDomain.SessionStats) {
    self.init()
    totalSessions = stats.sessionsCount
    for (type, count) in stats.byType { byType[type.description] = count }
    for (status, count) in stats.byStatus { byStatus[status.description] = count }
    averageUptimeMs = stats.averageUptime.wholeMilliseconds
    totalProcessedTasks = stats.tasksProcessed
    sequence = stats.sequence
  }
}

extension SessionAPI.PerformanceMetrics {
  init(_ metrics: SessionDomain.PerformanceMetrics) {
    self.init()
    sessionID = metrics.sessionID.description
    messagesProcessed = metrics.processed.messages
    tasksProcessed = metrics.processed.tasks
    averageResponseTimeMs = metrics.averageResponseTime
    p50ResponseTimeMs = metrics.p50
    p95ResponseTimeMs = metrics.p95
    p99ResponseTimeMs = metrics.p99
    errorRate = metrics.errorRate
    throughput = metrics.throughput
    memoryUsageBytes = metrics.usage.memoryBytes
    cpuUsage = metrics.usage.cpu
    window = .init(metrics.window)
    sampleTime = .init(metrics.sampleTime)
  }
}

extension SessionAPI.SessionHealth {
  init(_ health: SessionDomain.SessionHealth) {
    self.init()
    sessionID = health.sessionID.description
    status = .init(rawValue: health.status.rawValue)
    details = .with {
      $0.uptimeMs = health.uptime.wholeMilliseconds
      $0.memoryUsageBytes = health.usage.memoryBytes
      $0.cpuUsage = health.usage.cpu
      $0.lastActivityTime = .init(health.lastActivityTime)
      $0.messageQueue = health.queuedMessages
      $0.errorRate = health.errorRate
    }
    reasons = health.reasons
    checkTime = .init(health.checkTime)
  }
}

extension ActivityReport {
  /// A report of the session with this id.
  init(_ request: ReportActivityRequest, of id: SessionID) {
    self.init(
      sessionID: id, memoryUsageBytes: request.memoryUsageBytes, cpuUsage: request.cpuUsage,
      tasksProcessed: request.tasksProcessed, tasksFailed: request.tasksFailed,
      responseTimes: request.responseTimesMs)
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
