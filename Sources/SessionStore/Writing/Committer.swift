import SessionDomain

/// The one thread that writes. It takes all changes that wait, applies each by itself, commits once, tells the
/// observer, and then answers: one flush of the disk serves many callers.
final class Committer: Sendable {
  private let queue: WorkQueue<any PendingChange>
  private let thread: WorkerThread
  private let finished: Latch
  private let board = CommitBoard()

  /// Tells the observer how things stand, and starts the thread. `writer` is its own from here on.
  init(_ writer: sending Writer, observer: any CommitObserver) throws(ThreadError) {
    let settings = writer.settings
    let queue = WorkQueue<any PendingChange>(capacity: settings.waitingChangesMax)
    let finished = Latch()
    self.queue = queue
    self.finished = finished
    observer.committed(writer.standing)
    board.note(writer)
    let board = board
    nonisolated(unsafe) let writer = writer
    thread = try WorkerThread {
      var loop = CommitLoop(writer: writer, observer: observer, board: board)
      while let changes = queue.take(max: settings.batchMax, patience: loop.patience) {
        loop.run(changes)
      }
      loop.finish()
      finished.open()
    }
  }

  deinit {
    queue.close()
  }

  /// Applies a change and waits until it is committed, without blocking the caller's thread. For one without a
  /// savepoint, see `Writer.apply`.
  func submit<Output: Sendable>(
    needsSavepoint: Bool = true, _ body: @escaping Change<Output>.Body
  ) async throws(SessionError) -> Output {
    let result = await withUnsafeContinuation { continuation in
      let change = Change(continuation, needsSavepoint: needsSavepoint, body)
      switch queue.submit(change) {
      case .accepted: break
      case .full: change.fail(.overloaded)
      case .closed: change.fail(.closed)
      }
    }
    return try result.get()
  }

  /// Has the thread look at what the message bus was told.
  func wake() { queue.wake() }

  /// How things stood at the last batch.
  var figures: CommitFigures { board.figures }

  /// How many changes wait to be taken.
  var waitingCount: Int { queue.count }

  /// Takes no more changes, and waits until those that were taken are made and the connection is closed.
  func close() async {
    queue.close()
    await finished.wait()
    // What is left of the thread is its return.
    thread.join()
  }
}

/// What the committer's thread does with each batch.
private struct CommitLoop {
  let writer: Writer
  let observer: any CommitObserver
  let board: CommitBoard
  /// Tidying failed: it waits for the next change or interval, lest an idle committer try without end.
  private var isTidyingBlocked = false

  init(writer: Writer, observer: any CommitObserver, board: CommitBoard) {
    self.writer = writer
    self.observer = observer
    self.board = board
  }

  /// How long to wait for changes before looking for what has expired.
  var patience: Duration {
    let interval = writer.settings.housekeepingInterval
    guard !isTidyingBlocked else { return interval }
    guard !writer.hasExpired else { return .zero }
    return min(
      // Reports wake nobody.
      interval, writer.settings.metricsInterval, writer.timeToExpiry ?? interval, writer.timeToMessages ?? interval,
      writer.timeToKeepActivity ?? interval, writer.timeToKeepReports ?? interval, writer.timeToHealthLook ?? interval)
  }

  /// Whether there is something to do without any change.
  private var isUntidy: Bool {
    writer.hasExpired || writer.timeToExpiry == .zero || writer.timeToMessages == .zero
      || writer.timeToKeepActivity == .zero || writer.timeToKeepReports == .zero || writer.timeToHealthLook == .zero
  }

  mutating func run(_ changes: [any PendingChange]) {
    var rest = changes[...]
    repeat { rest = runBatch(rest) } while !rest.isEmpty
  }

  /// Writes down what is only known here. What fails of it was only activity, and reports that were not answered.
  mutating func finish() {
    if !writer.activityTimes.isEmpty { writer.activityDeadline = writer.monotonicClock.now }
    writer.keepsReportsAtOnce = true
    isTidyingBlocked = false
    while !writer.activityTimes.isEmpty || writer.meters.waitingSince != nil, !isTidyingBlocked { _ = runBatch([]) }
  }

  /// Runs changes in one transaction; those that are left when the transaction was lost are for the next.
  private mutating func runBatch(_ changes: ArraySlice<any PendingChange>) -> ArraySlice<any PendingChange> {
    writer.takeNotes()
    writer.meters.sweep(at: writer.monotonicClock.now)
    guard !changes.isEmpty || isUntidy else { return [] }
    isTidyingBlocked = true
    var next = changes.startIndex
    let start = writer.monotonicClock.now
    let writesBefore = writer.database.writesCount
    do throws(StorageFailure) {
      try writer.beginBatch()
      while next < changes.endIndex, !writer.lostBatch {
        changes[next].apply(to: writer)
        next += 1
      }
      tidy()
      let commit = try writer.commitBatch()
      // What only read says nothing about the disk.
      if writer.database.writesCount > writesBefore {
        let duration = start.duration(to: writer.monotonicClock.now)
        board.noteCommit(of: next - changes.startIndex, took: duration, writer)
      } else {
        board.note(writer)
      }
      if let commit { observer.committed(commit) }
      writer.sendMail()
      for change in changes[..<next] { change.answer() }
    } catch {
      rollBack()
      board.noteFailure()
      // A batch that could not even begin fails as a whole.
      if next == changes.startIndex { next = changes.endIndex }
      for change in changes[..<next] { change.fail(.storage(error)) }
    }
    return changes[next...]
  }

  /// Rides on the batch's flush. What fails does not happen, and the next batch tries again.
  private mutating func tidy() {
    var isDone = true
    let now = writer.monotonicClock.now
    for id in writer.takeInactive(at: now) {
      isDone = attempt { (writer) throws(SessionError) in try writer.expire(id, at: now) } && isDone
    }
    isDone = moveMessages(at: now) && isDone
    if writer.timeToKeepActivity == .zero {
      let isKept = attempt { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in try writer.keepActivity(max: Writer.keptActivityMax(writer.settings))
        }
      }
      isDone = isKept && isDone
    }
    if writer.timeToKeepReports == .zero {
      let isKept = attempt { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in try writer.keepReports(max: Writer.keptActivityMax(writer.settings))
        }
      }
      isDone = isKept && isDone
    }
    if writer.timeToHealthLook == .zero {
      isDone = attempt { (writer) throws(SessionError) in try writer.lookAtHealth(at: now) } && isDone
    }
    if writer.hasExpired {
      let isForgotten = attempt { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in try writer.forgetExpired() }
      }
      isDone = isForgotten && isDone
    }
    isTidyingBlocked = !isDone
  }

  /// Lets messages go whose time is over, and delivers others.
  private func moveMessages(at now: ContinuousClock.Instant) -> Bool {
    var isDone = true
    for id in writer.bus.overdue(at: now, max: Writer.overdueMax) {
      isDone = attempt { (writer) throws(SessionError) in try writer.timeOut(id, at: now) } && isDone
    }
    if writer.hasExpiredMessages {
      let isForgotten = attempt { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in try writer.expireMessages() }
      }
      isDone = isForgotten && isDone
    }
    if !writer.bus.unsettled.isEmpty {
      isDone = attempt { (writer) throws(SessionError) in try writer.deliver() } && isDone
    }
    return isDone
  }

  private func attempt(_ change: (Writer) throws(SessionError) -> Void) -> Bool {
    guard !writer.lostBatch else { return false }
    do throws(SessionError) {
      try writer.apply(change)
      return true
    } catch {
      // The savepoint undid it; if it took the transaction along, committing fails and says why.
      return false
    }
  }

  private func rollBack() {
    do throws(StorageFailure) {
      try writer.rollBackBatch()
    } catch {
      // SQLite ended the transaction already, or the next BEGIN fails and says why.
    }
  }
}
