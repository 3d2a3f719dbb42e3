import CoreMetrics
import Synchronization

/// How values, or times in seconds, are distributed.
final class PrometheusHistogram: PrometheusSeries, RecorderHandler, TimerHandler {
  let metric: PrometheusMetric
  let labels: PrometheusLabels
  private let bounds: [Double]
  // Together, so that a page's sum is of the values that it counts.
  private let state: Mutex<(counts: [UInt64], sum: Double)>

  init(_ metric: PrometheusMetric, _ labels: PrometheusLabels, bounds: [Double]) {
    self.metric = metric
    self.labels = labels
    self.bounds = bounds
    state = Mutex((Array(repeating: 0, count: bounds.count + 1), 0))
  }

  var value: PrometheusValue {
    let (counts, sum) = state.withLock { $0 }
    return .distribution(Exposition.Distribution(bounds: bounds, counts: counts, sum: sum))
  }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    // It is within no bound and beyond none.
    guard !value.isNaN else { return }
    let index = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[index] &+= 1
      state.sum = (state.sum + value.finite).finite
    }
  }

  // Clocks that are set back make times that are negative.
  func recordNanoseconds(_ duration: Int64) { record(Double(max(0, duration)) / 1e9) }
}
