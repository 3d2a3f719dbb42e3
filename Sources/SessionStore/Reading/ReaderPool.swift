import SessionDomain
import Synchronization

/// Threads that read, each with a read-only connection of its own, so that callers never block.
final class ReaderPool: Sendable {
  private typealias Job = @Sendable (Database) -> Void

  private let queue: WorkQueue<Job>
  private let threads: [WorkerThread]
  private let finished: [Latch]
  private let timeLimit: Duration
  private let doings = Doings()

  /// What the threads are at.
  private final class Doings: Sendable {
    private let busy = Atomic(0)
    private let reads = Atomic<Int64>(0)
    private let pages = Mutex(PageFigures())

    func doing(_ job: Job, _ connection: Database) {
      busy.wrappingAdd(1, ordering: .relaxed)
      job(connection)
      busy.wrappingSubtract(1, ordering: .relaxed)
      reads.wrappingAdd(1, ordering: .relaxed)
      let more = connection.takePageFigures()
      pages.withLock { $0 = $0 + more }
    }

    func figures(threads: Int, waiting: Int) -> ReadingFigures {
      ReadingFigures(
        threads: threads, busy: busy.load(ordering: .relaxed), waiting: waiting, reads: reads.load(ordering: .relaxed),
        pages: pages.withLock { $0 })
    }
  }

  init(settings: SessionStoreSettings) throws(StoreOpenError) {
    let queue = WorkQueue<Job>(capacity: settings.waitingReadsMax)
    var threads: [WorkerThread] = []
    var finished: [Latch] = []
    self.queue = queue
    let doings = doings
    timeLimit = settings.readTimeLimit
    for _ in 0..<max(1, settings.readerCount) {
      let latch = Latch()
      let connection = try Self.connect(settings.path)
      do throws(ThreadError) {
        threads.append(
          try WorkerThread {
            while let jobs = queue.take(max: 1) {
              for job in jobs { doings.doing(job, connection) }
            }
            latch.open()
          })
      } catch {
        queue.close()
        throw .noThread(errorNumber: error.errorNumber)
      }
      finished.append(latch)
    }
    self.threads = threads
    self.finished = finished
  }

  deinit {
    queue.close()
  }

  /// Runs `body` on a reader's thread; each statement in it sees the newest commit. Throws `tooCostly` when it takes
  /// longer than a read may, and `cancelled` when the caller's task is.
  func read<Output: Sendable>(
    _ body: @escaping @Sendable (Database) throws(SessionError) -> Output
  ) async throws(SessionError) -> Output {
    let limit = ReadLimit(timeLimit)
    let result: Result<Output, SessionError> = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let submission = queue.submit { database in
          do throws(SessionError) {
            continuation.resume(returning: .success(try limit.guarding(database, body)))
          } catch {
            continuation.resume(returning: .failure(error))
          }
        }
        switch submission {
        case .accepted: break
        case .full: continuation.resume(returning: .failure(.overloaded))
        case .closed: continuation.resume(returning: .failure(.closed))
        }
      }
    } onCancel: {
      limit.abandon()
    }
    return try result.get()
  }

  /// Runs `body` on a reader's thread; all statements in it see one commit.
  func readAtOnce<Output: Sendable>(
    _ body: @escaping @Sendable (Database) throws(SessionError) -> Output
  ) async throws(SessionError) -> Output {
    try await read { (database) throws(SessionError) in
      let result: Result<Output, SessionError>
      do throws(SessionError) {
        // Once this is interrupted, the transaction has begun all the same.
        try storing { () throws(StorageFailure) in try database.statement("BEGIN").run() }
        result = .success(try body(database))
      } catch {
        result = .failure(error)
      }
      // The read's limit must not end this too: the connection would keep its transaction, and refuse every next one.
      database.setProgressHandler(every: 0, nil, nil)
      try storing { () throws(StorageFailure) in
        if !database.isIdle { try database.statement("ROLLBACK").run() }
      }
      return try result.get()
    }
  }

  /// What the threads are at, and did.
  var figures: ReadingFigures { doings.figures(threads: threads.count, waiting: queue.count) }

  /// Takes no more reads, and waits until those that were taken are done.
  func close() async {
    queue.close()
    for latch in finished { await latch.wait() }
    for thread in threads { thread.join() }
  }

  /// A new read-only connection that knows our functions.
  static func connect(_ path: String) throws(StoreOpenError) -> Database {
    do throws(StorageFailure) {
      let database = try Database(path: path, access: .readOnly)
      try database.addFunction(SearchText.functionName, arguments: 4, SearchText.function)
      return database
    } catch {
      throw StoreOpenError(error, path: path)
    }
  }
}
