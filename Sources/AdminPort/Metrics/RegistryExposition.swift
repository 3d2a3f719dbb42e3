extension Exposition {
  /// Writes what was recorded, behind all else: names that are there already are left to those who have them.
  public mutating func write(_ registry: PrometheusRegistry) {
    for family in registry.families {
      let name = family.metric.name
      let samples = family.series.map { (labels: $0.labels.pairs, value: $0.value) }
      let numbers = samples.compactMap { sample -> (Labels, Double)? in
        guard case .number(let number) = sample.value else { return nil }
        return (sample.labels, number)
      }
      switch family.metric.kind {
      case .counter: offer(name, .counter) { $0.counter(name, family.help, numbers) }
      case .gauge: offer(name, .gauge) { $0.gauge(name, family.help, numbers) }
      case .recorder, .timer:
        let distributions = samples.compactMap { sample -> (Labels, Distribution)? in
          guard case .distribution(let distribution) = sample.value else { return nil }
          return (sample.labels, distribution)
        }
        offer(name, .histogram) { $0.histogram(name, family.help, distributions) }
      }
    }
  }

  private mutating func offer(_ name: String, _ type: MetricType, _ write: (inout Exposition) -> Void) {
    if isFree(name, type) { write(&self) } else { comment("a \(type) \(name) is left out: its name is taken") }
  }
}
