import CSQLite
import Glibc
import SessionDomain
import Synchronization

/// Ends a read that takes too long, or whose caller has left: a condition may look at every session, and there are
/// only so many readers.
///
/// SQLite asks it every so many steps of its virtual machine (https://www.sqlite.org/c3ref/progress_handler.html).
final class ReadLimit: Sendable {
  // A step may match a long pattern against a long text, so that a look every few rows is not too many.
  private static let stepsBetweenLooks: Int32 = 64

  private let duration: Duration
  private let deadlineNanoseconds = Atomic<UInt64>(.max)
  private let isAbandoned = Atomic(false)

  init(_ duration: Duration) { self.duration = duration }

  /// The caller has left.
  func abandon() { isAbandoned.store(true, ordering: .relaxed) }

  /// Runs `body`, which fails with `tooCostly` when the time is over, and with `cancelled` when the caller has left.
  func guarding<Output>(
    _ database: Database, _ body: (Database) throws(SessionError) -> Output
  ) throws(SessionError) -> Output {
    guard !isAbandoned.load(ordering: .relaxed) else { throw .cancelled }
    let (seconds, attoseconds) = duration.components
    let nanoseconds = UInt64(clamping: seconds) * 1_000_000_000 + UInt64(clamping: attoseconds / 1_000_000_000)
    deadlineNanoseconds.store(Self.now() + nanoseconds, ordering: .relaxed)
    database.setProgressHandler(every: Self.stepsBetweenLooks, mustStop, Unmanaged.passUnretained(self).toOpaque())
    defer { database.setProgressHandler(every: 0, nil, nil) }
    do throws(SessionError) {
      return try body(database)
    } catch {
      guard case .storage(let failure) = error, failure.kind == .interrupted else { throw error }
      throw isAbandoned.load(ordering: .relaxed) ? .cancelled : .tooCostly(limit: duration)
    }
  }

  fileprivate var isOver: Bool {
    isAbandoned.load(ordering: .relaxed) || Self.now() >= deadlineNanoseconds.load(ordering: .relaxed)
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

private let mustStop: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { limit in
  guard let limit else { return 0 }
  return Unmanaged<ReadLimit>.fromOpaque(limit)._withUnsafeGuaranteedRef { $0.isOver ? 1 : 0 }
}
