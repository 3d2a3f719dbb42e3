import CoreMetrics
import Synchronization

/// What only goes up, be it by whole numbers or by others. It stops at the largest number rather than begin again.
final class PrometheusCounter: PrometheusSeries, CounterHandler, FloatingPointCounterHandler {
  let metric: PrometheusMetric
  let labels: PrometheusLabels
  private let whole = Atomic<UInt64>(0)
  // A number of its own, so that large counts stay whole; its bits.
  private let fraction = Atomic<UInt64>(0)

  init(_ metric: PrometheusMetric, _ labels: PrometheusLabels) {
    self.metric = metric
    self.labels = labels
  }

  var value: PrometheusValue {
    let fraction = Double(bitPattern: fraction.load(ordering: .relaxed))
    return .number((Double(whole.load(ordering: .relaxed)) + fraction).finite)
  }

  func increment(by amount: Int64) {
    guard amount > 0 else { return }
    var old = whole.load(ordering: .relaxed)
    while true {
      let (sum, overflow) = old.addingReportingOverflow(UInt64(amount))
      let (exchanged, now) = whole.weakCompareExchange(
        expected: old, desired: overflow ? .max : sum, ordering: .relaxed)
      if exchanged { return }
      old = now
    }
  }

  func increment(by amount: Double) {
    // Nor what is no number.
    guard amount > 0 else { return }
    fraction.update { ($0 + amount).finite }
  }

  func reset() {
    whole.store(0, ordering: .relaxed)
    fraction.store(0, ordering: .relaxed)
  }
}
