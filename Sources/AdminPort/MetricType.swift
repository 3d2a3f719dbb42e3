/// What a metric is, as the format calls it.
enum MetricType: String, CustomStringConvertible {
  case counter, gauge, histogram

  var description: String { rawValue }

  /// The names that a metric and its samples take. A counter's is also taken without its suffix, which some readers
  /// leave away.
  func names(of metric: String) -> [String] {
    switch self {
    case .counter: metric.hasSuffix("_total") ? [metric, String(metric.dropLast("_total".count))] : [metric]
    case .gauge: [metric]
    case .histogram: [metric, "\(metric)_bucket", "\(metric)_sum", "\(metric)_count"]
    }
  }
}
