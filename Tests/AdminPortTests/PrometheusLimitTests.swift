import AdminPort
import Metrics
import Testing

/// The samples of a page.
private func samples(_ registry: PrometheusRegistry) -> [String] {
  var exposition = Exposition()
  exposition.write(registry)
  return exposition.text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
}

@Suite struct PrometheusLimitTests {
  private let registry = PrometheusRegistry()

  @Test func countersOnlyGoUpAndStopAtTheLargestNumber() {
    let whole = Counter(label: "whole", factory: registry)
    whole.increment(by: 5)
    whole.increment(by: -3)
    whole.increment(by: Int64.min)
    #expect(samples(registry) == ["whole_total 5"])
    for _ in 0..<5 { whole.increment(by: Int64.max) }
    #expect(samples(registry) == ["whole_total 1.8446744073709552e+19"])
    whole.reset()
    whole.increment()
    #expect(samples(registry) == ["whole_total 1"])
    let other = FloatingPointCounter(label: "whole", factory: registry)
    for amount in [0.5, -1, .nan, -.infinity] { other.increment(by: amount) }
    #expect(samples(registry) == ["whole_total 1.5"])
    for amount in [Double.greatestFiniteMagnitude, .infinity, .greatestFiniteMagnitude] { other.increment(by: amount) }
    #expect(samples(registry) == ["whole_total 1.7976931348623157e+308"])
    other.reset()
    #expect(samples(registry) == ["whole_total 0"])
  }

  @Test(
    "A gauge tells any number",
    arguments: [
      (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (-0.0, "0"), (1e-300, "1e-300"), (1, "1"),
    ])
  func gauge(value: Double, written: String) {
    Gauge(label: "x", factory: registry).record(value)
    #expect(samples(registry) == ["x \(written)"])
  }

  @Test func aMeterIsNotSpoiltByWhatIsNoNumber() {
    let meter = Meter(label: "x", factory: registry)
    meter.set(3)
    meter.increment(by: Double.nan)
    meter.increment(by: 2.5)
    meter.decrement()
    #expect(samples(registry) == ["x 4.5"])
    meter.increment(by: Double.infinity)
    meter.increment(by: Double.infinity)
    #expect(samples(registry) == ["x 1.7976931348623157e+308"])
    meter.decrement(by: Double.infinity)
    #expect(samples(registry) == ["x 0"])
    meter.set(Int64.min)
    #expect(samples(registry) == ["x -9223372036854775808"])
  }

  @Test func aDistributionTakesEveryNumber() {
    var configuration = PrometheusRegistry.Configuration()
    configuration.recorderBounds = [0]
    configuration.timerBounds = [0]
    let registry = PrometheusRegistry(configuration: configuration)
    let recorder = Recorder(label: "x", factory: registry)
    for value in [Double.nan, -.infinity, .infinity, .infinity, .infinity] { recorder.record(value) }
    let timer = Timer(label: "y", factory: registry)
    timer.recordNanoseconds(Int64.min)
    timer.recordNanoseconds(Int64.max)
    #expect(
      samples(registry) == [
        "x_bucket{le=\"0\"} 1", "x_bucket{le=\"+Inf\"} 4", "x_sum 1.7976931348623157e+308", "x_count 4",
        "y_seconds_bucket{le=\"0\"} 1", "y_seconds_bucket{le=\"+Inf\"} 2", "y_seconds_sum 9223372036.854776",
        "y_seconds_count 2",
      ])
  }

  @Test func whoMakesUpDimensionsTakesNoMoreThanThereIsRoomFor() {
    var configuration = PrometheusRegistry.Configuration()
    configuration.samplesMax = 100
    let registry = PrometheusRegistry(configuration: configuration)
    let timer = Timer(label: "time", factory: registry)
    let counters = (0..<1000).map { Counter(label: "x", dimensions: [("id", "\($0)")], factory: registry) }
    for counter in counters { counter.increment() }
    #expect(samples(registry).count == 100)
    #expect(registry.refused == 921)
    // What is there can be made again; what is destroyed makes room, and what was refused none.
    Counter(label: "x", dimensions: [("id", "0")], factory: registry).increment()
    #expect(samples(registry).contains("x_total{id=\"0\"} 2"))
    for counter in counters.suffix(500) { counter.destroy() }
    Gauge(label: "y", factory: registry).record(1)
    #expect(registry.refused == 922)
    timer.destroy()
    for _ in 0..<2 { Timer(label: "time", factory: registry).recordSeconds(1) }
    #expect(samples(registry).count == 100)
    #expect(registry.refused == 922)
  }

  @Test func thereIsRoomForTenThousandLines() {
    for number in 0..<500 { Timer(label: "x\(number)", factory: registry).recordSeconds(1) }
    for number in 0..<10_000 { Counter(label: "y", dimensions: [("n", "\(number)")], factory: registry).increment() }
    #expect(samples(registry).count == 10_000)
  }

  @Test func aSeriesOfLongNamesIsRefused() {
    let half = String(repeating: "a", count: 512)
    Gauge(label: half, dimensions: [("b", String(repeating: "c", count: 511))], factory: registry).record(1)
    #expect(samples(registry).count == 1 && registry.refused == 0)
    Gauge(label: half, dimensions: [("b", half)], factory: registry).record(1)
    #expect(samples(registry).count == 1 && registry.refused == 1)
  }

  @Test func nothingIsLostAmongThreads() async {
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<4 {
        group.addTask { [registry] in
          let whole = Counter(label: "n", factory: registry)
          let other = FloatingPointCounter(label: "f", factory: registry)
          let meter = Meter(label: "m", factory: registry)
          let recorder = Recorder(label: "r", factory: registry)
          for step in 0..<50_000 {
            whole.increment()
            other.increment(by: 0.5)
            meter.increment()
            recorder.record(1)
            if step % 10_000 == task { _ = samples(registry) }
          }
        }
      }
    }
    let written = samples(registry)
    for sample in ["n_total 200000", "f_total 100000", "m 200000", "r_sum 200000", "r_count 200000"] {
      #expect(written.contains(sample), "\(sample)")
    }
  }
}
