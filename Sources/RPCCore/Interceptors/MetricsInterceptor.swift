import Synchronization

/// Counts calls by method and status, and how long they take. Reading the figures does not hold up the calls.
public final class MetricsInterceptor: ServerInterceptor {
  private let methods = Mutex<[MethodMetrics]>([])

  /// An interceptor that has counted nothing.
  public init() {}

  /// The counters of `method`; those of no method count all calls that name none.
  public func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? {
    let metrics = MethodMetrics(method)
    methods.withLock { $0.append(metrics) }
    return metrics
  }

  /// The figures of each method so far, in the order of the services.
  public var figures: [MethodFigures] { methods.withLock { $0 }.map(\.figures) }
}

/// What was counted of one method's calls.
public struct MethodFigures: Sendable {
  /// The method; nil for calls that name none.
  public let method: MethodDescriptor?
  /// Calls that began.
  public let started: UInt64
  /// Calls that ended, by their status; only those that there are.
  public let handled: [StatusCode: UInt64]
  /// Calls that ended within each of `MethodMetrics.bounds`, not counting those within a smaller one; then those that
  /// took longer than all.
  public let durations: [UInt64]
  /// How long all of them took together.
  public let duration: Duration
}

/// The counters of one method, which calls on all event loops add to.
public final class MethodMetrics: CallInterceptor, @unchecked Sendable {
  /// The bounds that durations are sorted by.
  public static let bounds: [Duration] = [
    .microseconds(10), .microseconds(25), .microseconds(50), .microseconds(100), .microseconds(250), .microseconds(500),
    .milliseconds(1), .microseconds(2500), .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50),
    .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(2500), .seconds(5),
    .seconds(10),
  ]

  // Where each kind of counter begins; the counters lie together, since a call touches four of them.
  private static let startedAt = 0
  private static let nanosecondsAt = 1
  private static let handledAt = 2
  private static let durationsAt = handledAt + StatusCode.allCases.count
  private static let count = durationsAt + bounds.count + 1
  private static let boundsNanoseconds = bounds.map { UInt64(clamping: $0.nanoseconds) }

  private let method: MethodDescriptor?
  // Only the counters change, and those are atomic; hence the unchecked conformance.
  private let counters: UnsafeMutablePointer<Atomic<UInt64>>

  init(_ method: MethodDescriptor?) {
    self.method = method
    counters = .allocate(capacity: Self.count)
    for index in 0..<Self.count { (counters + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counters.deinitialize(count: Self.count)
    counters.deallocate()
  }

  /// Counts a call that begins.
  public func begins(_ call: ServerContext) throws { add(1, at: Self.startedAt) }

  /// Counts a call that ended.
  public func ended(_ call: CallSummary) {
    let nanoseconds = UInt64(clamping: call.duration.nanoseconds)
    add(nanoseconds, at: Self.nanosecondsAt)
    add(1, at: Self.handledAt + call.code.rawValue)
    let bound = Self.boundsNanoseconds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
    add(1, at: Self.durationsAt + bound)
  }

  private func add(_ amount: UInt64, at index: Int) { counters[index].wrappingAdd(amount, ordering: .relaxed) }

  private func read(_ index: Int) -> UInt64 { counters[index].load(ordering: .relaxed) }

  var figures: MethodFigures {
    let codes = StatusCode.allCases.map { ($0, read(Self.handledAt + $0.rawValue)) }
    return MethodFigures(
      method: method, started: read(Self.startedAt),
      handled: Dictionary(uniqueKeysWithValues: codes.filter { $0.1 > 0 }),
      durations: (0...Self.bounds.count).map { read(Self.durationsAt + $0) },
      duration: .nanoseconds(Int64(clamping: read(Self.nanosecondsAt))))
  }
}

extension Duration {
  fileprivate var nanoseconds: Int64 {
    // Almost all are short of the 18 seconds that need the wider division, which takes ten times as long.
    if let attoseconds = UInt64(exactly: attoseconds) { return Int64(attoseconds / 1_000_000_000) }
    let (seconds, attoseconds) = components
    return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
  }
}
