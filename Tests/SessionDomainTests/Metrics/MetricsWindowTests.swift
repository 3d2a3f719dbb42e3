import Testing

@testable import SessionDomain

@Suite struct MetricsWindowTests {
  private let length: Duration = .seconds(60)

  private func window(at time: Duration, processed: Int64 = 4, failed: Int64 = 1) -> MetricsWindow {
    var window = MetricsWindow()
    window.add(processed: processed, failed: failed, responseTimes: ResponseTimes([1, 2, 3, 4]), at: time, of: length)
    return window
  }

  @Test(arguments: [0, 1, 2999, 5999, 6000, 6001, 59_999, 60_000, 123_456])
  func `Nothing older than the window counts, and what is younger than nine tenths of it does`(start: Int) {
    let time: Duration = .milliseconds(start)
    let window = window(at: time)
    for age: Duration in [.zero, .milliseconds(1), .milliseconds(53_999), .seconds(54)] {
      #expect(window.rates(at: time + age, of: length).processed == 4, "\(age)")
      #expect(window.responseTimes(at: time + age, of: length).count == 4, "\(age)")
    }
    for age: Duration in [.milliseconds(60_001), .seconds(61), .seconds(600), .seconds(86_400)] {
      #expect(window.rates(at: time + age, of: length).processed == 0, "\(age)")
      #expect(window.responseTimes(at: time + age, of: length).count == 0, "\(age)")
    }
  }

  @Test func `Slices that left the window are forgotten, and the others stay`() {
    var window = MetricsWindow()
    for second in 0..<1000 {
      window.add(
        processed: 1, failed: 0, responseTimes: ResponseTimes([Double(second)]), at: .seconds(second), of: length)
      let count = window.rates(at: .seconds(second), of: length).processed
      #expect(second < 54 ? count == Int64(second + 1) : (54...60).contains(count))
    }
    #expect(window.responseTimes(at: .seconds(999), of: length).percentile(0) >= 940)
  }

  @Test func `Trimming takes nothing that a window still has`() {
    var window = window(at: .zero)
    window.add(processed: 1, failed: 0, responseTimes: ResponseTimes([5]), at: .seconds(30), of: length)
    for (time, processed) in [(59, 5), (60, 1), (89, 1), (90, 0), (600, 0)] as [(Int, Int64)] {
      window.trim(at: .seconds(time), of: length)
      #expect(window.rates(at: .seconds(time), of: length).processed == processed, "\(time)")
      #expect(window.responseTimes(at: .seconds(time), of: length).count == processed, "\(time)")
    }
  }

  @Test(arguments: [60.0, 63, 65.999, 66, 3601.5]) func `A steady stream has its throughput at any time`(
    seconds: Double
  ) {
    var window = MetricsWindow()
    for tick in Int(seconds * 100) - 6000..<Int(seconds * 100) {
      window.add(processed: 20, failed: 0, responseTimes: ResponseTimes(), at: .milliseconds(10 * tick), of: length)
    }
    let metrics = PerformanceMetrics(
      sessionID: SessionID(high: 0, low: 1), processed: ProcessedCounts(),
      usage: ResourceUsage(memoryBytes: 0, cpu: 0), recent: window, at: .seconds(seconds), window: length,
      sampleTime: Timestamp(microseconds: 0))
    #expect(abs(metrics.throughput - 2000) < 1, "\(metrics.throughput)")
  }

  @Test func `A time that was taken before another one counts all the same`() {
    var window = window(at: .seconds(12))
    window.add(processed: 1, failed: 0, responseTimes: ResponseTimes(), at: .seconds(1), of: length)
    #expect(window.rates(at: .seconds(12), of: length).processed == 5)
  }

  @Test func `The error rate is failed over processed, and zero of nothing`() {
    #expect(window(at: .zero).rates(at: .zero, of: length).errorRate == 0.25)
    #expect(ProcessingRates().errorRate == 0)
    let most = window(at: .zero, processed: .max, failed: .max)
    #expect(most.rates(at: .zero, of: length).errorRate == 1)
  }

  @Test(arguments: [100, 333, 1000, 7001, 86_400_000])
  func `Slices of any window begin where the one before ends`(milliseconds: Int) {
    let length: Duration = .milliseconds(milliseconds)
    for number in 0..<200 {
      let start = length * number / MetricsWindow.slicesCount
      for time in [start, start + .nanoseconds(1)] {
        var window = MetricsWindow()
        window.add(processed: 1, failed: 0, responseTimes: ResponseTimes(), at: time, of: length)
        #expect(window.rates(at: time + length * 9 / 10, of: length).processed == 1)
        #expect(window.rates(at: time + length + .nanoseconds(1), of: length).processed == 0)
      }
    }
  }
}
