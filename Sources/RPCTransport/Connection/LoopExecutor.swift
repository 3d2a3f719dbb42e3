import DequeModule
import NIOCore
import RPCCore
import Synchronization

/// Runs the tasks of one event loop's calls on that loop, so that a handler that never truly waits never leaves
/// the thread its bytes came in on.
///
/// Work goes in turns: run every task that is ready, then flush each connection that has something to say. A turn
/// follows each read and each wake-up from outside; what comes from other threads waits in one locked inbox that
/// wakes the loop once a batch, and not while a turn is under way: the loop runs all that it is given before it looks
/// at its sockets, so that others could keep it from them.
final class LoopExecutor: TaskExecutor, @unchecked Sendable {
  // All but the inbox, which is locked, is confined to the loop.
  let eventLoop: any EventLoop
  @exclusivity(unchecked) private var ready = Deque<UnownedJob>()
  @exclusivity(unchecked) private var unflushed: [any Flushable] = []
  @exclusivity(unchecked) private var atEndOfTurn: [() -> Void] = []
  @exclusivity(unchecked) private var turn = Turn.none
  // Since the last input, and the last turn that left no work.
  @exclusivity(unchecked) private var pausesInARow = 0
  // Input may bring turns before the pause is over, which are to begin no second one.
  @exclusivity(unchecked) private var isPausing = false
  private let inbox = Mutex(Inbox())
  // What is worked off changes places with what is added to, so that neither is copied nor made anew each turn.
  @exclusivity(unchecked) private var taken = Inbox()
  @exclusivity(unchecked) private var running: [() -> Void] = []
  @exclusivity(unchecked) private var flushing: [any Flushable] = []
  /// When the loop last began to read: the time at which the requests of this read came in, asked for once for all
  /// of them.
  @exclusivity(unchecked) private(set) var now: MonotonicInstant
  /// What tells the time.
  let clock: @Sendable () -> MonotonicInstant

  private enum Turn {
    case none, coming, running
  }

  private struct Inbox {
    var jobs: [UnownedJob] = []
    var actions: [@Sendable () -> Void] = []
    // A turn is to come, or under way, that will take what is here.
    var isAnnounced = false

    var isEmpty: Bool { jobs.isEmpty && actions.isEmpty }
  }

  init(_ eventLoop: any EventLoop, clock: @escaping @Sendable () -> MonotonicInstant) {
    self.eventLoop = eventLoop
    self.clock = clock
    now = clock()
  }

  /// Whether this is the loop's thread.
  var isCurrent: Bool { eventLoop.inEventLoop }

  // MARK: From any thread

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      ready.append(job)
      arrangeTurn()
    } else {
      post { $0.jobs.append(job) }
    }
  }

  /// Runs `action` on the loop: now if this is the loop, else in its next turn.
  func perform(_ action: @escaping @Sendable () -> Void) {
    if isCurrent {
      action()
    } else {
      post { $0.actions.append(action) }
    }
  }

  private func post(_ add: (inout Inbox) -> Void) {
    let mustWake = inbox.withLock { inbox in
      add(&inbox)
      defer { inbox.isAnnounced = true }
      return !inbox.isAnnounced
    }
    if mustWake { eventLoop.execute { self.runTurn() } }
  }

  // MARK: On the loop

  /// Notes the time, and promises a call of `runTurn`, so that work until then needs no wake-up of its own.
  func beginRead() {
    now = clock()
    pausesInARow = 0
    if turn == .none { turn = .coming }
  }

  /// Has `connection` flushed at the end of the turn.
  func flushLater(_ connection: any Flushable) {
    unflushed.append(connection)
    arrangeTurn()
  }

  /// Has `action` run once the tasks that are ready have run.
  func afterTasks(_ action: @escaping () -> Void) {
    atEndOfTurn.append(action)
    arrangeTurn()
  }

  private func arrangeTurn() {
    guard turn == .none else { return }
    turn = .coming
    eventLoop.execute { self.runTurn() }
  }

  /// Runs the tasks that are ready now instead of at the turn. A call that came in whole then runs and lets go of
  /// its memory before the next one of the same read takes some.
  ///
  /// Those that become ready meanwhile wait for the next round: tasks that go on and on share the loop with its
  /// connections.
  func runReady() {
    var left = ready.count
    while left > 0, let job = ready.popFirst() {
      left -= 1
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }

  func runTurn() {
    guard turn != .running else { return }
    turn = .running
    var rounds = 0
    repeat {
      guard rounds < Self.roundsMax else {
        turn = .coming
        return pause()
      }
      runRound()
      rounds += 1
    } while hasWork || !closeInbox()
    turn = .none
    pausesInARow = 0
  }

  /// Goes on after the loop has looked at its sockets. It runs all that is due before that; so this is due a moment
  /// later, and later still as long as nothing comes in: a loop that is slow needs a longer moment.
  private func pause() {
    guard !isPausing else { return }
    isPausing = true
    eventLoop.scheduleTask(in: Self.pauseMin * Int64(1 << min(pausesInARow, Self.pauseDoublingsMax))) {
      self.isPausing = false
      self.runTurn()
    }
    pausesInARow += 1
  }

  // A stream whose reader keeps up has work as soon as it was flushed, and some handlers always do: after so many rounds
  // the loop looks at its other connections first.
  private static let roundsMax = 4
  private static let pauseMin = TimeAmount.microseconds(25)
  private static let pauseDoublingsMax = 3

  private var hasWork: Bool { !ready.isEmpty || !unflushed.isEmpty || !atEndOfTurn.isEmpty }

  private func runRound() {
    takeInbox()
    runReady()
    swap(&atEndOfTurn, &running)
    for action in running { action() }
    running.removeAll(keepingCapacity: true)
    swap(&unflushed, &flushing)
    for connection in flushing { connection.flush() }
    flushing.removeAll(keepingCapacity: true)
  }

  private func takeInbox() {
    inbox.withLock { inbox in
      swap(&inbox, &taken)
      inbox.isAnnounced = true
    }
    ready.append(contentsOf: taken.jobs)
    for action in taken.actions { action() }
    taken.jobs.removeAll(keepingCapacity: true)
    taken.actions.removeAll(keepingCapacity: true)
  }

  /// Has what comes from now on wake the loop; false if something has come, and does not.
  private func closeInbox() -> Bool {
    inbox.withLock { inbox in
      inbox.isAnnounced = !inbox.isEmpty
      return inbox.isEmpty
    }
  }
}

/// What has output that waits for the end of a turn.
protocol Flushable: AnyObject {
  func flush()
}
