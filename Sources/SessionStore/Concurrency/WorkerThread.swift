import Glibc
import Synchronization

/// A thread of our own, for work that blocks.
final class WorkerThread: Sendable {
  private let thread: Mutex<pthread_t?>

  /// Starts a thread that runs `body` once.
  init(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
    let start = Unmanaged.passRetained(Start(body))
    var identifier = pthread_t()
    let code = pthread_create(
      &identifier, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        start.body()
        return nil
      }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw ThreadError(errorNumber: code)
    }
    thread = Mutex(identifier)
  }

  deinit {
    // Nobody waited for it, so that the system itself is to take it back.
    if let identifier = thread.withLock({ $0 }) { pthread_detach(identifier) }
  }

  /// Waits until the thread has ended; the first call does, later ones return at once.
  func join() {
    let identifier = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    if let identifier { pthread_join(identifier, nil) }
  }

  private final class Start {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }
}

/// The system has no thread left to give.
struct ThreadError: Error {
  let errorNumber: Int32
}
