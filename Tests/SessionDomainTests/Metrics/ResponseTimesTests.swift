import Testing

@testable import SessionDomain

/// SplitMix64, so that a failure can be run again.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Percentiles against those of all values.
@Suite struct ResponseTimesTests {
  private func exact(_ values: [Double], _ part: Double) -> Double {
    values.sorted()[max(1, Int((part * Double(values.count)).rounded(.up))) - 1]
  }

  private static let parts = [0.01, 0.5, 0.95, 0.99, 1]

  @Test(arguments: [20, 64, 65, 2000]) func `The mean is within the times, however long they are`(count: Int) {
    var one = ResponseTimes()
    for _ in 0..<count { one.add(1e308) }
    let all = ResponseTimes(Array(repeating: 1e308, count: count))
    #expect(all == one && all.mean == 1e308)
  }

  @Test func `Times that come together are as those that come one by one`() {
    var generator = SeededGenerator(state: 7)
    for count in [0, 1, 63, 64, 65, 500] {
      let values = (0..<count).map { _ in Double.random(in: 0...1e4, using: &generator) }
      var one = ResponseTimes()
      for value in values { one.add(value) }
      #expect(ResponseTimes(values) == one)
    }
  }

  @Test func `None have a mean and percentiles of zero`() {
    let times = ResponseTimes()
    #expect(times.mean == 0 && times.percentile(0.5) == 0 && times.count == 0)
  }

  @Test(arguments: [1, 2, 3, 10, 63, 64]) func `Percentiles of few are exact`(count: Int) {
    var randomness = SeededGenerator(state: UInt64(count))
    let values = (0..<count).map { _ in Double.random(in: 0..<1000, using: &randomness) }
    var times = ResponseTimes()
    for value in values { times.add(value) }
    for part in Self.parts { #expect(times.percentile(part) == exact(values, part)) }
  }

  /// From a microsecond to 24 days, evenly over the magnitudes, and all alike.
  @Test(arguments: [-10.0..<31, 0..<10, 5..<5.0001, 20..<31] as [Range<Double>], [65, 1000, 20_000])
  func `Percentiles of many are off by a sixty-fourth at most`(exponents: Range<Double>, count: Int) {
    var randomness = SeededGenerator(state: UInt64(count))
    let values = (0..<count).map { _ in
      let exponent = Double.random(in: exponents, using: &randomness)
      let whole = exponent.rounded(.down)
      return Double(sign: .plus, exponent: Int(whole), significand: 1 + exponent - whole)
    }
    var times = ResponseTimes()
    for value in values { times.add(value) }
    for part in Self.parts {
      let (found, exact) = (times.percentile(part), exact(values, part))
      #expect(abs(found - exact) <= exact * ResponseTimes.relativeErrorMax, "\(part): \(found), not \(exact)")
    }
    #expect(abs(times.mean - values.reduce(0, +) / Double(count)) <= times.mean * 1e-9)
  }

  @Test func `What is below a microsecond or above 24 days counts with the nearest`() {
    var times = ResponseTimes()
    for _ in 0..<100 { times.add(0) }
    #expect(times.percentile(0.99) == 0)
    for _ in 0..<100 { times.add(1e300) }
    #expect(times.percentile(0.5) <= 0.001 && times.percentile(0.51) > 2e9)
    #expect(times.percentile(1).isFinite)
  }

  @Test(arguments: [(10, 20), (60, 10), (10, 60), (100, 10), (10, 100), (500, 500)])
  func `Times that were added apart are as those added together`(first: Int, second: Int) {
    let values = (0..<(first + second)).map { Double($0 * 7919 % 1000) }
    var (left, right, all) = (ResponseTimes(), ResponseTimes(), ResponseTimes())
    for value in values[..<first] { left.add(value) }
    for value in values[first...] { right.add(value) }
    for value in values { all.add(value) }
    left.add(right)
    for part in Self.parts { #expect(left.percentile(part) == all.percentile(part)) }
    #expect(left.count == all.count && left.mean == all.mean)
  }
}
