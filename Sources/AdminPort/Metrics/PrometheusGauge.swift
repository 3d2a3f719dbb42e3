import CoreMetrics
import Synchronization

/// What goes up and down: a meter, or a recorder that keeps the last value. Any number is told as it is, infinite ones
/// and none too, for which the format has words.
final class PrometheusGauge: PrometheusSeries, MeterHandler, RecorderHandler {
  let metric: PrometheusMetric
  let labels: PrometheusLabels
  // The number's bits.
  private let number = Atomic<UInt64>(0)

  init(_ metric: PrometheusMetric, _ labels: PrometheusLabels) {
    self.metric = metric
    self.labels = labels
  }

  var value: PrometheusValue { .number(Double(bitPattern: number.load(ordering: .relaxed))) }

  func set(_ value: Int64) { set(Double(value)) }

  func set(_ value: Double) { number.store(value.bitPattern, ordering: .relaxed) }

  func record(_ value: Int64) { set(Double(value)) }

  func record(_ value: Double) { set(value) }

  func increment(by amount: Double) {
    // What is no number would stay for ever.
    guard !amount.isNaN else { return }
    number.update { old in
      let sum = old + amount.finite
      return old.isFinite ? sum.finite : sum
    }
  }

  func decrement(by amount: Double) { increment(by: -amount) }
}
