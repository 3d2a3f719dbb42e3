/// A metric of swift-metrics by its kind, and by the name it has on the page.
struct PrometheusMetric: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// What only goes up.
    case counter
    /// What goes up and down.
    case gauge
    /// Values, sorted by bounds.
    case recorder
    /// Times in seconds, sorted by bounds.
    case timer
  }

  let kind: Kind
  let name: String

  /// The metric of a label; a counter's name ends in `_total`, a timer's in `_seconds`, as Prometheus wants it.
  init(_ kind: Kind, label: String) {
    self.kind = kind
    let name = label.prometheusName
    self.name =
      switch kind {
      case .counter: name.hasSuffix("_total") ? name : "\(name)_total"
      case .timer: name.hasSuffix("_seconds") ? name : "\(name)_seconds"
      case .gauge, .recorder: name
      }
  }
}
