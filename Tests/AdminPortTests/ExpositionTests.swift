import AdminPort
import Testing

@Suite struct ExpositionTests {
  private var exposition = Exposition()

  @Test mutating func eachMetricHasItsHelpItsTypeAndItsSamples() {
    exposition.gauge("open", "What is open.", 3)
    exposition.counter("done_total", "What is done.", [([("by", "me")], 1), ([("by", "you"), ("how", "well")], 0.25)])
    #expect(
      exposition.text == """
        # HELP open What is open.
        # TYPE open gauge
        open 3
        # HELP done_total What is done.
        # TYPE done_total counter
        done_total{by="me"} 1
        done_total{by="you",how="well"} 0.25

        """)
  }

  @Test mutating func theBucketsOfAHistogramAddUp() {
    let times = Exposition.Distribution(bounds: [0.001, 2.5], counts: [2, 0, 3], sum: 40.5)
    exposition.histogram("time_seconds", "How long.", [([], times), ([("of", "x")], times)])
    #expect(
      exposition.text == """
        # HELP time_seconds How long.
        # TYPE time_seconds histogram
        time_seconds_bucket{le="0.001"} 2
        time_seconds_bucket{le="2.5"} 2
        time_seconds_bucket{le="+Inf"} 5
        time_seconds_sum 40.5
        time_seconds_count 5
        time_seconds_bucket{of="x",le="0.001"} 2
        time_seconds_bucket{of="x",le="2.5"} 2
        time_seconds_bucket{of="x",le="+Inf"} 5
        time_seconds_sum{of="x"} 40.5
        time_seconds_count{of="x"} 5

        """)
  }

  @Test(
    "A label may have any text",
    arguments: [
      ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("ä{},=", "ä{},="), ("", ""),
    ])
  func label(value: String, written: String) {
    var exposition = Exposition()
    exposition.gauge("x", "A \\ and a \"quote\".", [([("y", value)], 1)])
    #expect(exposition.text == "# HELP x A \\\\ and a \"quote\".\n# TYPE x gauge\nx{y=\"\(written)\"} 1\n")
  }

  @Test(
    "Values are numbers as Prometheus reads them",
    arguments: [
      (0, "0"), (-1, "-1"), (1e15, "1000000000000000"), (0.1, "0.1"), (1e-7, "1e-07"), (.infinity, "+Inf"),
      (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"),
    ])
  func value(value: Double, written: String) {
    var exposition = Exposition()
    exposition.gauge("x", "X.", value)
    #expect(exposition.text.hasSuffix("\nx \(written)\n"))
  }
}
