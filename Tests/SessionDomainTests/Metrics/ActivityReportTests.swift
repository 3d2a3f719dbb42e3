import Testing

@testable import SessionDomain

@Suite struct ActivityReportTests {
  private func flaw(_ change: (inout ActivityReport) -> Void) -> String? {
    var report = ActivityReport(sessionID: SessionID(high: 0, low: 1))
    change(&report)
    return report.flaw
  }

  @Test func `Failed tasks are among the processed, and response times are one for each or none`() {
    #expect(flaw { _ in } == nil)
    #expect(flaw { ($0.tasksProcessed, $0.tasksFailed) = (3, 3) } == nil)
    #expect(flaw { ($0.tasksProcessed, $0.responseTimes) = (2, [0, 1.5]) } == nil)
    #expect(
      flaw { ($0.tasksProcessed, $0.tasksFailed) = (2, 3) }
        == "tasks_failed is 3, more than the 2 tasks that were processed")
    #expect(
      flaw { ($0.tasksProcessed, $0.responseTimes) = (2, [1]) } == "response_times_ms has 1 entries for 2 tasks")
    #expect(
      flaw { $0.responseTimes = [1] } == "response_times_ms has 1 entries for 0 tasks")
  }

  @Test func `What is negative or no number is wrong, and all that is wrong is told`() {
    let flaw = flaw { report in
      report.memoryUsageBytes = -1
      report.cpuUsage = .nan
      report.tasksProcessed = -2
      report.tasksFailed = -1
      report.responseTimes = [1, -0.5]
    }
    #expect(
      flaw?.split(separator: "; ").map { $0.prefix { $0 != " " } } == [
        "memory_usage_bytes", "cpu_usage", "tasks_processed", "tasks_failed", "tasks_failed", "response_times_ms",
        "response_times_ms[1]",
      ])
    #expect(self.flaw { $0.cpuUsage = .infinity } != nil)
    #expect(self.flaw { $0.cpuUsage = -0.1 } != nil)
    #expect(self.flaw { ($0.tasksProcessed, $0.responseTimes) = (1, [.nan]) } != nil)
  }
}
