public import CoreMetrics
import Synchronization

/// What is recorded by swift-metrics, for Prometheus to read.
///
/// Whoever records need not know of Prometheus, and can break nothing: names that it does not allow are changed, what
/// is made twice is one, and there is room for so much, beyond which nothing is kept. On the page, a name belongs to
/// the metric that had it first; a comment tells of one that wants it too.
///
/// A series is there until all who made it have destroyed it.
public final class PrometheusRegistry: MetricsFactory {
  /// What there is room for, and how values are sorted.
  public struct Configuration: Sendable {
    /// Samples on the page; each bound of a distribution is one.
    public var samplesMax = 10_000
    /// Bytes of the names and labels of one series.
    public var seriesBytesMax = 1024
    /// The bounds that times are sorted by, in seconds.
    public var timerBounds = [
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]
    /// The bounds that other values are sorted by, whose size nobody knows.
    public var recorderBounds = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

    /// The defaults.
    public init() {}
  }

  /// A metric and all its series, in the order that they were made.
  struct Family {
    let metric: PrometheusMetric
    let help: String
    let series: [any PrometheusSeries]
  }

  private struct Entry {
    let series: any PrometheusSeries
    let number: Int
    var users = 1
  }

  private struct Entries {
    let number: Int
    // As it was before it became a name.
    let label: String
    var entries: [PrometheusLabels: Entry] = [:]
  }

  private struct State {
    var metrics: [PrometheusMetric: Entries] = [:]
    var made = 0
    var samples = 0
    var refused: UInt64 = 0
  }

  private let configuration: Configuration
  private let help: [String: String]
  private let state = Mutex(State())

  /// A registry of nothing. `help` says of metrics, by their names on the page, what they are; of others it is told
  /// what they are called by whoever made them.
  public init(help: [String: String] = [:], configuration: Configuration = Configuration()) {
    self.help = help
    self.configuration = configuration
  }

  /// How often there was no room for one more.
  public var refused: UInt64 { state.withLock { $0.refused } }

  /// All there is, in the order that it was made.
  var families: [Family] {
    state.withLock { state in
      state.metrics.sorted { $0.value.number < $1.value.number }.map { metric, metrics in
        Family(
          metric: metric, help: help[metric.name] ?? "What is recorded as \(metrics.label).",
          series: metrics.entries.values.sorted { $0.number < $1.number }.map(\.series))
      }
    }
  }

  private func make<Series: PrometheusSeries>(
    _ kind: PrometheusMetric.Kind, _ label: String, _ dimensions: [(String, String)],
    _ new: (PrometheusMetric, PrometheusLabels) -> Series
  ) -> Series? {
    let metric = PrometheusMetric(kind, label: label)
    let labels = PrometheusLabels(dimensions)
    return state.withLock { state in
      if let there = state.metrics[metric]?.entries[labels]?.series as? Series {
        state.metrics[metric]?.entries[labels]?.users += 1
        return there
      }
      let samples = samples(kind)
      guard
        label.utf8.count + labels.bytes <= configuration.seriesBytesMax,
        state.samples + samples <= configuration.samplesMax
      else {
        state.refused += 1
        return nil
      }
      let series = new(metric, labels)
      state.made += 1
      state.samples += samples
      state.metrics[metric, default: Entries(number: state.made, label: label)].entries[labels] =
        Entry(series: series, number: state.made)
      return series
    }
  }

  private func destroy(_ handler: AnyObject) {
    // Those that there was no room for are none of ours.
    guard let series = handler as? any PrometheusSeries else { return }
    let (metric, labels) = (series.metric, series.labels)
    state.withLock { state in
      guard let entry = state.metrics[metric]?.entries[labels], entry.series === series else { return }
      if entry.users > 1 {
        state.metrics[metric]?.entries[labels]?.users -= 1
        return
      }
      state.samples -= samples(metric.kind)
      state.metrics[metric]?.entries[labels] = nil
      if state.metrics[metric]?.entries.isEmpty == true { state.metrics[metric] = nil }
    }
  }

  private func samples(_ kind: PrometheusMetric.Kind) -> Int {
    // All values, their sum and their count are one each.
    switch kind {
    case .counter, .gauge: 1
    case .recorder: configuration.recorderBounds.count + 3
    case .timer: configuration.timerBounds.count + 3
    }
  }

  /// A counter.
  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    make(.counter, label, dimensions, PrometheusCounter.init) ?? NOOPMetricsHandler.instance
  }

  /// A counter that also takes what is not whole.
  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    make(.counter, label, dimensions, PrometheusCounter.init) ?? NOOPMetricsHandler.instance
  }

  /// A gauge.
  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    make(.gauge, label, dimensions, PrometheusGauge.init) ?? NOOPMetricsHandler.instance
  }

  /// A histogram, or a gauge where only the last value counts.
  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    guard aggregate else { return make(.gauge, label, dimensions, PrometheusGauge.init) ?? NOOPMetricsHandler.instance }
    return make(.recorder, label, dimensions) {
      PrometheusHistogram($0, $1, bounds: configuration.recorderBounds)
    } ?? NOOPMetricsHandler.instance
  }

  /// A histogram of seconds.
  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    make(.timer, label, dimensions) {
      PrometheusHistogram($0, $1, bounds: configuration.timerBounds)
    } ?? NOOPMetricsHandler.instance
  }

  /// Forgets a counter.
  public func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }

  /// Forgets a counter.
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }

  /// Forgets a gauge.
  public func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }

  /// Forgets a histogram or a gauge.
  public func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }

  /// Forgets a histogram.
  public func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }
}
