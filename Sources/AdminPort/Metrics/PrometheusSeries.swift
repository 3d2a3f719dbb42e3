/// What a handler of swift-metrics keeps for the page.
protocol PrometheusSeries: AnyObject, Sendable {
  /// Whose value it is.
  var metric: PrometheusMetric { get }
  /// What tells it from others of its metric.
  var labels: PrometheusLabels { get }
  /// What there is to write.
  var value: PrometheusValue { get }
}

/// What is written of a series.
enum PrometheusValue {
  case number(Double)
  case distribution(Exposition.Distribution)
}
