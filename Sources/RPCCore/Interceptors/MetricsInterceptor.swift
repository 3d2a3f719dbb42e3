import Synchronization

/// Counts calls by method and status, their messages, and how long they take. Reading the figures does not hold up the
/// calls.
public final class MetricsInterceptor: ServerInterceptor {
  private let methods = Mutex<[MethodMetrics]>([])
  private let eventLoops: Int

  /// An interceptor that has counted nothing, with counters for each of so many event loops.
  public init(eventLoops: Int = 0) { self.eventLoops = eventLoops }

  /// The counters of `method`; those of no method count all calls that name none.
  public func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? {
    let metrics = MethodMetrics(method, eventLoops: eventLoops)
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
  /// Messages that came in.
  public let messagesReceived: UInt64
  /// Messages that were sent.
  public let messagesSent: UInt64
}

/// The counters of one method.
///
/// Each event loop has a set of its own, on cache lines of its own: what only one thread adds to needs neither a lock nor
/// the processor's locked instructions, of which a call would take six. Another set is for calls that any thread may run.
public final class MethodMetrics: MessageInterceptor, @unchecked Sendable {
  /// The bounds that durations are sorted by.
  public static let bounds: [Duration] = [
    .microseconds(10), .microseconds(25), .microseconds(50), .microseconds(100), .microseconds(250), .microseconds(500),
    .milliseconds(1), .microseconds(2500), .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50),
    .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(2500), .seconds(5),
    .seconds(10),
  ]

  // Where each kind of counter begins; the counters lie together, since a call touches six of them.
  private static let startedAt = 0
  private static let nanosecondsAt = 1
  private static let receivedAt = 2
  private static let sentAt = 3
  private static let handledAt = 4
  private static let durationsAt = handledAt + StatusCode.allCases.count
  private static let count = durationsAt + bounds.count + 1
  private static let cacheLineBytes = 64
  // Between the sets of two event loops.
  private static let stride = {
    let perLine = cacheLineBytes / MemoryLayout<Atomic<UInt64>>.stride
    return (count + perLine - 1) / perLine * perLine
  }()
  private static let boundsNanoseconds = bounds.map { UInt64(clamping: $0.nanoseconds) }

  private let method: MethodDescriptor?
  // Only the counters change, and those are atomic; hence the unchecked conformance.
  private let counters: UnsafeMutablePointer<Atomic<UInt64>>
  private let eventLoops: Int

  init(_ method: MethodDescriptor?, eventLoops: Int) {
    self.method = method
    self.eventLoops = eventLoops
    let count = (eventLoops + 1) * Self.stride
    counters = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Atomic<UInt64>>.stride, alignment: Self.cacheLineBytes
    ).bindMemory(to: Atomic<UInt64>.self, capacity: count)
    for index in 0..<count { (counters + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counters.deinitialize(count: (eventLoops + 1) * Self.stride)
    UnsafeMutableRawPointer(counters).deallocate()
  }

  /// Counts a call that begins.
  public func begins(_ call: ServerContext) throws { add(1, at: Self.startedAt, call) }

  /// Counts a message that came in.
  public func received(_ call: ServerContext) { add(1, at: Self.receivedAt, call) }

  /// Counts messages that go out.
  public func sent(_ count: Int, _ call: ServerContext) { add(UInt64(count), at: Self.sentAt, call) }

  /// Counts a call that ended.
  public func ended(_ summary: CallSummary) {
    let nanoseconds = UInt64(clamping: summary.duration.nanoseconds)
    add(nanoseconds, at: Self.nanosecondsAt, summary.call)
    add(1, at: Self.handledAt + summary.code.rawValue, summary.call)
    let bound = Self.boundsNanoseconds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
    add(1, at: Self.durationsAt + bound, summary.call)
  }

  private func add(_ amount: UInt64, at index: Int, _ call: ServerContext) {
    let lane = Int(call.lane)
    guard lane > 0, lane <= eventLoops else {
      counters[index].wrappingAdd(amount, ordering: .relaxed)
      return
    }
    let counter = counters + lane * Self.stride + index
    counter.pointee.store(counter.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  private func read(_ index: Int) -> UInt64 {
    (0...eventLoops).reduce(0) { $0 &+ counters[$1 * Self.stride + index].load(ordering: .relaxed) }
  }

  var figures: MethodFigures {
    let codes = StatusCode.allCases.map { ($0, read(Self.handledAt + $0.rawValue)) }
    return MethodFigures(
      method: method, started: read(Self.startedAt),
      handled: Dictionary(uniqueKeysWithValues: codes.filter { $0.1 > 0 }),
      durations: (0...Self.bounds.count).map { read(Self.durationsAt + $0) },
      duration: .nanoseconds(Int64(clamping: read(Self.nanosecondsAt))),
      messagesReceived: read(Self.receivedAt), messagesSent: read(Self.sentAt))
  }
}
