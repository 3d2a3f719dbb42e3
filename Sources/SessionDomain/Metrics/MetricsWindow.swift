/// What a session processed lately, in slices of a tenth of the window.
///
/// A slice counts as long as all of it is in the window: nothing in the sums is older than the window, and what is
/// younger than nine tenths of it is always in them. A slice takes 130 bytes, and what its response times take: for a
/// session that reports now and then less than 8 KiB in all, for one with times of all magnitudes at most 80 KiB.
public struct MetricsWindow: Sendable {
  /// Slices of a window.
  static let slicesCount: Int64 = 10

  private struct Slice {
    var number: Int64
    var processed: Int64 = 0
    var failed: Int64 = 0
    var times = ResponseTimes()
  }

  private var slices: [Slice] = []

  /// Makes an empty window.
  public init() {}

  /// Adds what was processed at `time` since some beginning; `length` is the window's.
  public mutating func add(
    processed: Int64, failed: Int64, responseTimes: [Double], at time: Duration, of length: Duration
  ) {
    let number = Self.number(at: time, of: length)
    let index: Int
    if let newest = slices.indices.last, slices[newest].number >= number {
      index = newest
    } else {
      slices.removeAll { $0.number <= number - Self.slicesCount }
      slices.append(Slice(number: number))
      index = slices.count - 1
    }
    slices[index].processed = slices[index].processed.addingSaturating(processed)
    slices[index].failed = slices[index].failed.addingSaturating(failed)
    for milliseconds in responseTimes { slices[index].times.add(milliseconds) }
  }

  /// Sums of what was processed in the window that ends at `time`.
  public func rates(at time: Duration, of length: Duration) -> ProcessingRates {
    var rates = ProcessingRates()
    for slice in slices(at: time, of: length) { rates.add(processed: slice.processed, failed: slice.failed) }
    return rates
  }

  /// The response times in the window that ends at `time`.
  func responseTimes(at time: Duration, of length: Duration) -> ResponseTimes {
    var times = ResponseTimes()
    for slice in slices(at: time, of: length) { times.add(slice.times) }
    return times
  }

  private func slices(at time: Duration, of length: Duration) -> ArraySlice<Slice> {
    // The slice of `time` itself has begun, so that the first whole one is one after that in which the window begins.
    let beginning = time - length
    let number = Self.number(at: beginning, of: length)
    let first = number + (Self.start(of: number, of: length) < beginning ? 1 : 0)
    return slices[(slices.firstIndex { $0.number >= first } ?? slices.count)...]
  }

  private static func number(at time: Duration, of length: Duration) -> Int64 {
    let number = Int64((time / length * Double(slicesCount)).rounded(.down))
    // Quotients are rounded, and a time at a bound belongs to the slice that begins there.
    if start(of: number + 1, of: length) <= time { return number + 1 }
    return start(of: number, of: length) > time ? number - 1 : number
  }

  private static func start(of number: Int64, of length: Duration) -> Duration {
    length * number / slicesCount
  }
}

/// How much was processed in a window, and how much of it failed.
public struct ProcessingRates: Hashable, Sendable {
  /// Messages and tasks, the failed ones among them.
  public private(set) var processed: Int64 = 0
  /// Those that failed.
  public private(set) var failed: Int64 = 0

  /// Nothing.
  public init() {}

  /// Makes rates of their parts.
  public init(processed: Int64, failed: Int64) {
    self.processed = processed
    self.failed = failed
  }

  /// Failed over processed, 0 to 1; 0 for nothing.
  public var errorRate: Double { processed == 0 ? 0 : Double(failed) / Double(processed) }

  mutating func add(processed: Int64, failed: Int64) {
    self.processed = self.processed.addingSaturating(processed)
    self.failed = self.failed.addingSaturating(failed)
  }
}
