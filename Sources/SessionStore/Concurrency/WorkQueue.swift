import DequeModule
import Glibc

/// A bounded queue between callers, which never wait, and threads that wait for work.
final class WorkQueue<Element: Sendable>: @unchecked Sendable {
  enum Submission {
    case accepted, full, closed
  }

  private let capacity: Int
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  // Guarded by the mutex.
  private var waiting = Deque<Element>()
  private var idleThreads = 0
  private var isClosed = false
  private var isWoken = false

  init(capacity: Int) {
    self.capacity = capacity
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Adds work at the end.
  func submit(_ element: Element) -> Submission {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard !isClosed else { return .closed }
    guard waiting.count < capacity else { return .full }
    waiting.append(element)
    if idleThreads > 0 { pthread_cond_signal(condition) }
    return .accepted
  }

  /// Has the next taking wait no longer.
  func wake() {
    pthread_mutex_lock(mutex)
    isWoken = true
    if idleThreads > 0 { pthread_cond_signal(condition) }
    pthread_mutex_unlock(mutex)
  }

  /// Takes up to `max` elements from the front, waiting for the first one, but no longer than `patience`.
  ///
  /// Empty when the patience ended or it was woken; nil when the queue is closed and nothing is left.
  func take(max: Int, patience: Duration? = nil) -> [Element]? {
    let deadline = patience.map(Self.deadline(after:))
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    defer { isWoken = false }
    while waiting.isEmpty {
      guard !isClosed else { return nil }
      guard !isWoken else { return [] }
      idleThreads += 1
      let code: Int32
      if var deadline {
        code = pthread_cond_timedwait(condition, mutex, &deadline)
      } else {
        code = pthread_cond_wait(condition, mutex)
      }
      idleThreads -= 1
      if code == ETIMEDOUT, waiting.isEmpty { return isClosed ? nil : [] }
    }
    let count = min(max, waiting.count)
    let taken = Array(waiting.prefix(count))
    waiting.removeFirst(count)
    return taken
  }

  /// How many elements wait.
  var count: Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return waiting.count
  }

  /// Takes no more work; what waits is still given out.
  func close() {
    pthread_mutex_lock(mutex)
    isClosed = true
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  private static func deadline(after patience: Duration) -> timespec {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let (seconds, attoseconds) = patience.components
    let nanoseconds = now.tv_nsec + Int(attoseconds / 1_000_000_000)
    return timespec(
      tv_sec: now.tv_sec + Int(seconds) + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
  }
}
