/// Response times in milliseconds: their mean, and their percentiles.
///
/// The first 64 are kept as they are, and percentiles among them are exact. More are counted in buckets, 32 for each
/// doubling (as in an HdrHistogram, http://hdrhistogram.org), and a percentile is the middle of its bucket: off by 1/64
/// at most, which is 1.6 %. Buckets go from 2^-10 ms to 2^31 ms, a microsecond to 24 days; what is outside counts in
/// the first or the last. Only buckets with something in them take memory, 6 bytes each: all 1312 of them 8 KiB.
public struct ResponseTimes: Hashable, Sendable {
  /// How far a percentile may be off, as a part of it.
  static let relativeErrorMax = 1.0 / 64

  private static let exactMax = 64
  private static let bucketsPerDoubling = 32.0
  private static let exponents = -10...30

  private(set) var count: Int64 = 0
  private(set) var sum = 0.0
  private var least = Double.infinity
  private var greatest = 0.0
  /// All of them while they are few; none when they are in buckets.
  private var exact: [Double] = []
  /// The buckets with something in them, ascending, and how much.
  private var keys: [Int16] = []
  private var counts: [UInt32] = []

  /// Makes none.
  public init() {}

  /// Makes them of times, which are numbers from 0 on.
  public init(_ milliseconds: [Double]) {
    guard milliseconds.count <= Self.exactMax else {
      for value in milliseconds { add(value) }
      return
    }
    exact = milliseconds
    count = Int64(milliseconds.count)
    for value in milliseconds {
      sum += value
      least = min(least, value)
      greatest = max(greatest, value)
    }
  }

  /// Adds a time, which is a number from 0 on.
  mutating func add(_ milliseconds: Double) {
    if keys.isEmpty, exact.count < Self.exactMax {
      exact.append(milliseconds)
    } else {
      moveToBuckets()
      put(1, into: Self.key(of: milliseconds))
    }
    count += 1
    sum += milliseconds
    least = min(least, milliseconds)
    greatest = max(greatest, milliseconds)
  }

  /// Adds all of others.
  mutating func add(_ others: ResponseTimes) {
    if others.keys.isEmpty {
      for value in others.exact { add(value) }
      return
    }
    moveToBuckets()
    for (key, count) in zip(others.keys, others.counts) { put(count, into: key) }
    count += others.count
    sum += others.sum
    least = min(least, others.least)
    greatest = max(greatest, others.greatest)
  }

  /// The mean; 0 when there are none.
  var mean: Double {
    // A sum of very long times is no number any more, and rounding is no reason to be outside of them.
    count == 0 ? 0 : min(max(sum / Double(count), least), greatest)
  }

  /// The least of them that is not less than this part of them, from 0 to 1; 0 when there are none.
  func percentile(_ part: Double) -> Double {
    guard count > 0 else { return 0 }
    let rank = max(1, Int64((part * Double(count)).rounded(.up)))
    if keys.isEmpty { return exact.sorted()[Int(min(rank, count)) - 1] }
    var passed: Int64 = 0
    for (key, count) in zip(keys, counts) {
      passed += Int64(count)
      if passed >= rank { return min(max(Self.middle(of: key), least), greatest) }
    }
    return greatest
  }

  private mutating func moveToBuckets() {
    for value in exact { put(1, into: Self.key(of: value)) }
    exact = []
  }

  private mutating func put(_ more: UInt32, into key: Int16) {
    var (low, high) = (0, keys.count)
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    if low < keys.count, keys[low] == key {
      let (sum, overflow) = counts[low].addingReportingOverflow(more)
      counts[low] = overflow ? .max : sum
    } else {
      keys.insert(key, at: low)
      counts.insert(more, at: low)
    }
  }

  private static func key(of value: Double) -> Int16 {
    let first = Int16(exponents.lowerBound) * Int16(bucketsPerDoubling)
    guard value.isNormal, value.exponent >= exponents.lowerBound else { return first }
    guard value.exponent <= exponents.upperBound else {
      return Int16(exponents.upperBound + 1) * Int16(bucketsPerDoubling) - 1
    }
    return Int16(value.exponent) * Int16(bucketsPerDoubling) + Int16((value.significand - 1) * bucketsPerDoubling)
  }

  private static func middle(of key: Int16) -> Double {
    // Rounds down, also below zero.
    let exponent = Int(key) >> 5
    let step = Double(Int(key) & 31)
    return Double(sign: .plus, exponent: exponent, significand: 1 + (step + 0.5) / bucketsPerDoubling)
  }
}
