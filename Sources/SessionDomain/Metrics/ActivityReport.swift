/// What a session tells of itself. Counts are since its report before.
public struct ActivityReport: Hashable, Sendable {
  /// The most tasks that one report counts.
  public static let tasksMax: Int64 = 1_000_000_000

  /// The session.
  public var sessionID: SessionID
  /// Memory in use.
  public var memoryUsageBytes: Int64
  /// Processor time in use, 1.0 being one core.
  public var cpuUsage: Double
  /// Tasks that were processed, the failed ones among them.
  public var tasksProcessed: Int64
  /// Tasks that failed.
  public var tasksFailed: Int64
  /// How long the tasks took, in milliseconds: one for each that was processed, or none.
  public var responseTimes: [Double]

  /// Makes a report.
  public init(
    sessionID: SessionID, memoryUsageBytes: Int64 = 0, cpuUsage: Double = 0, tasksProcessed: Int64 = 0,
    tasksFailed: Int64 = 0, responseTimes: [Double] = []
  ) {
    self.sessionID = sessionID
    self.memoryUsageBytes = memoryUsageBytes
    self.cpuUsage = cpuUsage
    self.tasksProcessed = tasksProcessed
    self.tasksFailed = tasksFailed
    self.responseTimes = responseTimes
  }

  /// What is wrong with it, one thing after another; nil when nothing is.
  public var flaw: String? {
    // Most reports are well, and there are very many of them.
    guard
      memoryUsageBytes < 0 || !Self.isAmount(cpuUsage) || tasksProcessed < 0 || tasksProcessed > Self.tasksMax
        || tasksFailed < 0 || tasksFailed > tasksProcessed || !responseTimes.isEmpty && !areResponseTimesWell
    else { return nil }
    return flaws.joined(separator: "; ")
  }

  private var flaws: [String] {
    var flaws: [String] = []
    if memoryUsageBytes < 0 { flaws.append("memory_usage_bytes is \(memoryUsageBytes), which is negative") }
    if !Self.isAmount(cpuUsage) { flaws.append("cpu_usage is \(cpuUsage), which is no number from 0 on") }
    if tasksProcessed < 0 { flaws.append("tasks_processed is \(tasksProcessed), which is negative") }
    if tasksProcessed > Self.tasksMax {
      flaws.append("tasks_processed is \(tasksProcessed), more than the \(Self.tasksMax) that one report may count")
    }
    if tasksFailed < 0 { flaws.append("tasks_failed is \(tasksFailed), which is negative") }
    if tasksFailed > tasksProcessed {
      flaws.append("tasks_failed is \(tasksFailed), more than the \(tasksProcessed) tasks that were processed")
    }
    if !responseTimes.isEmpty, Int64(responseTimes.count) != tasksProcessed {
      flaws.append("response_times_ms has \(responseTimes.count) entries for \(tasksProcessed) tasks")
    }
    if let index = responseTimes.firstIndex(where: { !Self.isAmount($0) }) {
      flaws.append("response_times_ms[\(index)] is \(responseTimes[index]), which is no number from 0 on")
    }
    return flaws
  }

  private var areResponseTimesWell: Bool {
    Int64(responseTimes.count) == tasksProcessed && responseTimes.allSatisfy(Self.isAmount)
  }

  private static func isAmount(_ value: Double) -> Bool { value >= 0 && value.isFinite }
}

/// What a session uses, as it was last reported.
public struct ResourceUsage: Hashable, Sendable {
  /// Memory in use.
  public var memoryBytes: Int64
  /// Processor time in use, 1.0 being one core.
  public var cpu: Double

  /// Makes a usage.
  public init(memoryBytes: Int64, cpu: Double) {
    self.memoryBytes = memoryBytes
    self.cpu = cpu
  }
}

/// How much a session has processed.
public struct ProcessedCounts: Hashable, Sendable {
  /// Messages that were acknowledged.
  public var messages: Int64
  /// Tasks that were reported.
  public var tasks: Int64

  /// Makes counts.
  public init(messages: Int64 = 0, tasks: Int64 = 0) {
    self.messages = messages
    self.tasks = tasks
  }

  /// Whether both are 0.
  public var isZero: Bool { messages == 0 && tasks == 0 }

  /// Adds both; sums stop at the largest number.
  public static func += (left: inout ProcessedCounts, right: ProcessedCounts) {
    left.messages = left.messages.addingSaturating(right.messages)
    left.tasks = left.tasks.addingSaturating(right.tasks)
  }
}

extension Int64 {
  /// The sum, or the largest number where it would be more. For numbers that are not negative.
  public func addingSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
