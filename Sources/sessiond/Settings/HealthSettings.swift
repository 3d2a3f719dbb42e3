import SessionDomain

extension HealthThresholds {
  /// Reads from where on sessions are degraded or unhealthy.
  init(_ reader: inout SettingReader) throws {
    self.init()
    func bounds(
      _ name: String, _ degraded: String, _ unhealthy: String, _ bounds: inout Bounds
    ) throws {
      try reader.number("\(name)Degraded", degraded, &bounds.degraded)
      try reader.number("\(name)Unhealthy", unhealthy, &bounds.unhealthy)
      if bounds.degraded > bounds.unhealthy {
        throw reader.error("\(name)Degraded", allowed: "at most \(name)Unhealthy, which is \(bounds.unhealthy)")
      }
    }
    try bounds(
      "healthErrorRate", "A session is degraded that fails over so much of its tasks.",
      "It is unhealthy over so much.", &errorRate)
    try reader.count(
      "healthErrorRateMinimum", 1...1_000_000_000, "If it processed so many in the window.", &errorRateProcessedMin)
    try bounds(
      "healthMemory", "Memory used over what is allocated or max-memory: degraded.", "The same: unhealthy.", &memory)
    try reader.number("healthCpuDegraded", "Cores used over what is allocated: degraded.", &cpu.degraded)
    try reader.number("healthCpuUnhealthy", "Cores used over max-cpu: unhealthy.", &cpu.unhealthy)
    try bounds("healthQueue", "Messages queued over max-queue: degraded.", "The same: unhealthy.", &queue)
    try reader.count(
      "healthQueueLimit", 1...1_000_000_000, "Or over this, without a max-queue.", &queueLimitDefault)
    try bounds(
      "healthInactivity", "Time unused over the session's timeout, while ACTIVE: degraded.", "The same: unhealthy.",
      &inactivity)
  }
}
