/// What a session did and what it costs.
public struct PerformanceMetrics: Hashable, Sendable {
  /// The session.
  public var sessionID: SessionID
  /// Over the session's whole life.
  public var processed: ProcessedCounts
  /// Over the window: the mean of the response times, in milliseconds.
  public var averageResponseTime: Double
  /// Over the window: the median of the response times, in milliseconds. It is one of them as long as they are few, 64
  /// in the window; of more it is off by 1.6 % at most. So are the other percentiles.
  public var p50: Double
  /// What 95 of 100 response times are not longer than.
  public var p95: Double
  /// What 99 of 100 response times are not longer than.
  public var p99: Double
  /// Over the window: failed over processed, 0 to 1.
  public var errorRate: Double
  /// Over the window: messages and tasks each second.
  public var throughput: Double
  /// As last reported.
  public var usage: ResourceUsage
  /// The window's length.
  public var window: Duration
  /// When all this was so.
  public var sampleTime: Timestamp

  /// Sums up `recent` at `time` since its beginning.
  public init(
    sessionID: SessionID, processed: ProcessedCounts, usage: ResourceUsage, recent: MetricsWindow, at time: Duration,
    window: Duration, sampleTime: Timestamp
  ) {
    self.sessionID = sessionID
    self.processed = processed
    self.usage = usage
    self.window = window
    self.sampleTime = sampleTime
    let times = recent.responseTimes(at: time, of: window)
    averageResponseTime = times.mean
    p50 = times.percentile(0.5)
    p95 = times.percentile(0.95)
    p99 = times.percentile(0.99)
    let rates = recent.rates(at: time, of: window)
    errorRate = rates.errorRate
    throughput = Double(rates.processed) / (recent.covered(at: time, of: window) / .seconds(1))
  }
}
