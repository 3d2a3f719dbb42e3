/// What tells a series from the others of its metric: dimensions of swift-metrics as Prometheus' labels, in the order
/// of their names, since that is no difference.
struct PrometheusLabels: Hashable, Sendable {
  private(set) var names: [String] = []
  private(set) var values: [String] = []

  /// The labels of dimensions.
  ///
  /// A label without a value is to Prometheus as none. One that begins with two underscores, or is a bucket's bound,
  /// has a meaning there, and two of one name are refused: such ones get other names.
  init(_ dimensions: [(String, String)]) {
    for (dimension, value) in dimensions.sorted(by: <) where !value.isEmpty {
      var name = dimension.prometheusName
      while name.hasPrefix("__") { name.removeFirst() }
      if name == "le" { name = "exported_le" }
      while names.contains(name) { name += "_" }
      names.append(name)
      values.append(value)
    }
  }

  /// As they are written.
  var pairs: Exposition.Labels { zip(names, values).map { ($0, $1) } }

  /// What they take in memory and, at the least, on the page.
  var bytes: Int { (names + values).reduce(0) { $0 + $1.utf8.count } }
}
