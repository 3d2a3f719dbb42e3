import SessionAPI

/// What sessions report, and the counts over all of them.
extension SessionModel {
  /// What is known of a session's work.
  struct Meter: Hashable {
    /// Tasks over its whole life.
    var tasks: Int64 = 0
    var memory: Int64 = 0
    var cpu = 0.0
  }

  mutating func report(_ reports: [ReportActivityRequest]) -> Answer {
    var rejected: [Int64] = []
    for (index, report) in reports.enumerated() {
      let id = report.sessionID.lowercased()
      let areTimesWell =
        (report.responseTimesMs.isEmpty || report.responseTimesMs.count == Int(report.tasksProcessed))
        && report.responseTimesMs.allSatisfy { $0 >= 0 && $0.isFinite }
      let isWell =
        report.memoryUsageBytes >= 0 && report.cpuUsage >= 0 && report.cpuUsage.isFinite && report.tasksFailed >= 0
        && report.tasksFailed <= report.tasksProcessed && areTimesWell
      guard isWell, let session = sessions[id], !Self.isFinal(session.status) else {
        rejected.append(Int64(index))
        continue
      }
      tasks += report.tasksProcessed
      let counted = meters[id]?.tasks ?? 0
      meters[id] = Meter(
        tasks: counted + report.tasksProcessed, memory: report.memoryUsageBytes, cpu: report.cpuUsage)
      noteActivity(id)
    }
    return .reported(accepted: Int64(reports.count - rejected.count), rejected: rejected)
  }

  func metrics(_ request: GetPerformanceMetricsRequest) throws(ModelRefusal) -> Answer {
    let id = try find(request.sessionID)
    return .meter(meters[id] ?? Meter())
  }

  var stats: SessionStats {
    let uptimes = sessions.values.compactMap { session -> Int64? in
      guard let start = session.startTime else { return nil }
      return (session.endTime.map(Self.microseconds) ?? now) - Self.microseconds(start)
    }
    return .with {
      $0.totalSessions = Int64(sessions.count)
      for type in SessionType.allCases.dropFirst() {
        $0.byType["\(type)"] = Int64(sessions.values.count { $0.type == type })
      }
      for status in SessionStatus.allCases.dropFirst() {
        $0.byStatus["\(status)"] = Int64(sessions.values.count { $0.status == status })
      }
      $0.averageUptimeMs = uptimes.isEmpty ? 0 : uptimes.reduce(0, +) / Int64(uptimes.count) / 1000
      $0.totalProcessedTasks = tasks
      $0.sequence = sequence
    }
  }
}
