/// What a session processed lately, in slices of a tenth of the window.
///
/// The newest ten slices count: nothing in the sums is older than the window, and what is younger than nine tenths of it
/// is always in them. A slice takes 130 bytes, and what its response times take: for a
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
    processed: Int64, failed: Int64, responseTimes: ResponseTimes, at time: Duration, of length: Duration
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
    slices[index].times.add(responseTimes)
  }

  /// Forgets what no window that ends at `time` or later has in it.
  public mutating func trim(at time: Duration, of length: Duration) {
    guard !slices.isEmpty else { return }
    slices = Array(slices(at: time, of: length))
  }

  /// The part of the window that ends at `time` that its sums are of: nine tenths of it, or more.
  func covered(at time: Duration, of length: Duration) -> Duration {
    time - Self.start(of: Self.first(at: time, of: length), of: length)
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
    let first = Self.first(at: time, of: length)
    return slices[(slices.firstIndex { $0.number >= first } ?? slices.count)...]
  }

  /// The first slice that counts in the window that ends at `time`, the last of which has begun.
  private static func first(at time: Duration, of length: Duration) -> Int64 {
    number(at: time, of: length) - slicesCount + 1
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
