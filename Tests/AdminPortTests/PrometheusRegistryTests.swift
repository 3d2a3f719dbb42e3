import AdminPort
import Metrics
import Testing

/// What a page says of a registry, but for help.
private func page(_ registry: PrometheusRegistry, behind pulled: (inout Exposition) -> Void = { _ in }) -> [String] {
  var exposition = Exposition()
  pulled(&exposition)
  exposition.write(registry)
  return exposition.text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("# HELP ") }
}

@Suite struct PrometheusRegistryTests {
  private let registry = PrometheusRegistry()

  @Test func eachInstrumentBecomesAMetricOfItsKind() {
    Counter(label: "jobs.done", dimensions: [("how", "well")], factory: registry).increment(by: 3)
    FloatingPointCounter(label: "fuel-used_total", factory: registry).increment(by: 1.25)
    Meter(label: "level", factory: registry).set(7)
    Gauge(label: "heat", factory: registry).record(-2.5)
    #expect(
      page(registry) == [
        "# TYPE jobs_done_total counter", "jobs_done_total{how=\"well\"} 3",
        "# TYPE fuel_used_total counter", "fuel_used_total 1.25",
        "# TYPE level gauge", "level 7",
        "# TYPE heat gauge", "heat -2.5",
      ])
  }

  @Test func timesAndValuesAreSortedByBounds() {
    var configuration = PrometheusRegistry.Configuration()
    configuration.timerBounds = [0.001, 1]
    configuration.recorderBounds = [10]
    let registry = PrometheusRegistry(configuration: configuration)
    let timer = Timer(label: "wait", factory: registry)
    timer.recordMilliseconds(1)
    timer.recordMilliseconds(500)
    timer.recordSeconds(2)
    let recorder = Recorder(label: "size", factory: registry)
    recorder.record(10)
    recorder.record(10.5)
    #expect(
      page(registry) == [
        "# TYPE wait_seconds histogram", "wait_seconds_bucket{le=\"0.001\"} 1", "wait_seconds_bucket{le=\"1\"} 2",
        "wait_seconds_bucket{le=\"+Inf\"} 3", "wait_seconds_sum 2.501", "wait_seconds_count 3",
        "# TYPE size histogram", "size_bucket{le=\"10\"} 1", "size_bucket{le=\"+Inf\"} 2", "size_sum 20.5",
        "size_count 2",
      ])
  }

  @Test func whatIsSaidOfAMetricIsItsHelpOrWhatItIsRecordedAs() {
    let registry = PrometheusRegistry(help: ["known_total": "What is known."])
    for label in ["known", "other.one\nx 1"] { Counter(label: label, factory: registry).increment() }
    var exposition = Exposition()
    exposition.write(registry)
    #expect(
      exposition.text == """
        # HELP known_total What is known.
        # TYPE known_total counter
        known_total 1
        # HELP other_one_x_1_total What is recorded as other.one\\nx 1.
        # TYPE other_one_x_1_total counter
        other_one_x_1_total 1

        """)
  }

  @Test(
    "Any label is a name",
    arguments: [
      ("a.b-c/d", "a_b_c_d"), ("1st", "_1st"), ("", "_"), ("a b\n# TYPE x", "a_b___TYPE_x"), ("ä", "_"), ("a:b", "a_b"),
      ("A_9", "A_9"),
    ])
  func name(label: String, name: String) {
    Meter(label: label, dimensions: [(label, "x")], factory: registry).set(1)
    #expect(page(registry) == ["# TYPE \(name) gauge", "\(name){\(name)=\"x\"} 1"])
  }

  @Test(
    "Dimensions are labels that a scraper takes",
    arguments: [
      // In any order, they are the same.
      ([("b", "2"), ("a", "1")], #"{a="1",b="2"}"#),
      // Two of one name are refused.
      ([("a", "1"), ("a", "2")], #"{a="1",a_="2"}"#),
      ([("a.b", "1"), ("a-b", "2"), ("a_b_", "3")], #"{a_b="2",a_b_="1",a_b__="3"}"#),
      // None and an empty one are the same.
      ([("a", "")], ""),
      // Some mean something else.
      ([("__name__", "x")], #"{_name__="x"}"#), ([("le", "5")], #"{exported_le="5"}"#),
      ([("a", "\"\\\n")], #"{a="\"\\\n"}"#),
    ])
  func dimensions(dimensions: [(String, String)], labels: String) {
    Meter(label: "x", dimensions: dimensions, factory: registry).set(1)
    Meter(label: "x", dimensions: dimensions.reversed(), factory: registry).increment()
    #expect(page(registry) == ["# TYPE x gauge", "x\(labels) 2"])
  }

  @Test func oneMetricsSamplesStandTogetherWhateverTheirDimensions() {
    for dimensions in [[("a", "1")], [], [("b", "2")], [("a", "1"), ("b", "2")]] {
      Counter(label: "x", dimensions: dimensions, factory: registry).increment()
      Counter(label: "y", factory: registry).increment()
    }
    Counter(label: "x", factory: registry).increment()
    #expect(
      page(registry) == [
        "# TYPE x_total counter", "x_total{a=\"1\"} 1", "x_total 2", "x_total{b=\"2\"} 1", "x_total{a=\"1\",b=\"2\"} 1",
        "# TYPE y_total counter", "y_total 4",
      ])
  }

  @Test func theFirstKeepsAName() {
    let time = Timer(label: "x", factory: registry)
    time.recordSeconds(1)
    let gauge = Gauge(label: "x_seconds", factory: registry)
    gauge.record(5)
    Gauge(label: "x_seconds_count", factory: registry).record(6)
    Recorder(label: "x.seconds", factory: registry).record(7)
    Counter(label: "y", factory: registry).increment()
    Meter(label: "y", factory: registry).set(8)
    let lines = page(registry).filter { !$0.hasPrefix("x_seconds_bucket") }
    #expect(
      lines == [
        "# TYPE x_seconds histogram", "x_seconds_sum 1", "x_seconds_count 1",
        "# a gauge x_seconds is left out: its name is taken",
        "# a gauge x_seconds_count is left out: its name is taken",
        "# a histogram x_seconds is left out: its name is taken",
        "# TYPE y_total counter", "y_total 1", "# a gauge y is left out: its name is taken",
      ])
    // It is there once the first is gone.
    time.destroy()
    #expect(page(registry).prefix(2) == ["# TYPE x_seconds gauge", "x_seconds 5"])
  }

  @Test func whatIsAskedOfTheServerKeepsItsNames() {
    for label in ["taken", "times_sum", "free"] { Gauge(label: label, factory: registry).record(1) }
    let lines = page(registry) {
      $0.counter("taken_total", "Taken.", 2)
      $0.histogram("times", "Times.", [([], Exposition.Distribution(bounds: [], counts: [1], sum: 3))])
    }
    #expect(
      lines == [
        "# TYPE taken_total counter", "taken_total 2", "# TYPE times histogram", "times_bucket{le=\"+Inf\"} 1",
        "times_sum 3", "times_count 1", "# a gauge taken is left out: its name is taken",
        "# a gauge times_sum is left out: its name is taken", "# TYPE free gauge", "free 1",
      ])
  }

  @Test func aSeriesIsThereUntilAllHaveDestroyedIt() {
    let counters = (0..<2).map { _ in Counter(label: "x", dimensions: [("a", "1")], factory: registry) }
    counters[0].increment()
    counters[0].destroy()
    counters[1].increment()
    #expect(page(registry) == ["# TYPE x_total counter", "x_total{a=\"1\"} 2"])
    counters[1].destroy()
    #expect(page(registry) == [])
    // Once more than it was made; there is another by now.
    Counter(label: "x", dimensions: [("a", "1")], factory: registry).increment(by: 5)
    counters[1].destroy()
    #expect(page(registry) == ["# TYPE x_total counter", "x_total{a=\"1\"} 5"])
  }

  @Test func everyKindCanBeDestroyed() {
    let counter = FloatingPointCounter(label: "a", factory: registry)
    let meter = Meter(label: "b", factory: registry)
    let recorder = Recorder(label: "c", factory: registry)
    let gauge = Gauge(label: "d", factory: registry)
    let timer = Timer(label: "e", factory: registry)
    #expect(page(registry).filter { $0.hasPrefix("# TYPE") }.count == 5)
    counter.destroy()
    meter.destroy()
    recorder.destroy()
    gauge.destroy()
    timer.destroy()
    #expect(page(registry) == [])
  }
}
