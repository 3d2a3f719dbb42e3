import SessionDomain

/// The writing connection, and what it knows between commits. Lives on the committer's thread.
final class Writer {
  let database: Database
  let settings: SessionStoreSettings
  /// What the message bus holds, for the changes that end and move sessions.
  let queues: any MessageQueues
  /// What memory knows of the message bus.
  let bus: MessageBus
  private let searchMemory: SearchMemory
  private let clock: any WallClock
  let monotonicClock: any MonotonicClock
  private var idGenerator: any IDGenerator

  /// How things stand, with the changes of the batch that is being applied.
  var state: State
  var committed: State
  /// What the change that is being applied did.
  var staged = Changes()
  private var batch = Changes()
  /// When sessions will have been without activity for too long.
  var timers: InactivityTimers
  /// When sessions were active whose rows do not tell yet.
  let activityTimes: ActivityTimes
  /// When that goes to the file.
  var activityDeadline: ContinuousClock.Instant?
  /// What sessions report.
  let meters: Meters
  /// What looks at sessions that may be given work, if it is not the store itself.
  let healthLook: (any HealthLook)?
  /// Whether reports go to the file although their interval is not over.
  var keepsReportsAtOnce = false
  /// Who is looked at next, and when.
  var healthAgenda: HealthAgenda
  /// How many sessions the regular looks have come to.
  var lookedAtCount = 0
  /// Who waits for messages to go.
  var waits = MessageWaits()
  /// Why SQLite ended the transaction by itself.
  private var lossReason: StorageFailure?

  /// What affinities remember of their targets, by the session that has them. It is no part of the state that a failed
  /// change gives back: a turn that was taken for nothing does no harm.
  var affinityMemories: [SessionID: AffinityMemory] = [:]

  /// Deliveries of the last commit, and sessions that are not on the bus since.
  private var mail: [(mailbox: MessageMailbox, delivery: Delivery)] = []
  private var left: [SessionID] = []

  let statements: WriterStatements
  let messageStatements: MessageStatements

  struct State: Hashable {
    var totals: Totals
    var history: KeptHistory
    /// Tasks of sessions that were deleted before they got into the totals.
    var unclaimedTasks: Int64 = 0
    var deadLetters: Int64
  }

  struct Changes {
    var events: [SessionEvent] = []
    var sessions: [Session] = []
    var deleted: [SessionID] = []
    /// Sessions that were active.
    var active: [SessionID] = []
    /// Those of them that did not change otherwise, and when.
    var activity: [(id: SessionID, time: Timestamp)] = []
    /// Activity that went to the file.
    var kept: [(id: SessionID, time: Timestamp)] = []
    /// Sessions for which fewer messages wait or are in delivery than before.
    var relieved: [SessionID] = []
    /// What is to go into mailboxes.
    var deliveries: [(mailbox: MessageMailbox, delivery: Delivery)] = []
    /// What was kept of reports.
    var reports: [(id: SessionID, pending: Meters.Pending)] = []
    /// Messages that were acknowledged.
    var acknowledgements: [Acknowledgements] = []
    /// Sessions whose counts start afresh.
    var restarted: [SessionID] = []
    /// Sessions whose health was looked at.
    var lookedAt: [SessionID] = []

    var isEmpty: Bool { events.isEmpty && sessions.isEmpty && deleted.isEmpty }

    mutating func append(_ other: Changes) {
      events += other.events
      sessions += other.sessions
      deleted += other.deleted
      active += other.active
      activity += other.activity
      kept += other.kept
      relieved += other.relieved
      deliveries += other.deliveries
      reports += other.reports
      acknowledgements += other.acknowledgements
      restarted += other.restarted
      lookedAt += other.lookedAt
    }
  }

  init(
    database: Database, settings: SessionStoreSettings, clock: any WallClock, monotonicClock: any MonotonicClock,
    idGenerator: any IDGenerator, healthLook: (any HealthLook)?, queues: any MessageQueues, notes: BusNotes,
    activityTimes: ActivityTimes, searchMemory: SearchMemory
  ) throws(StorageFailure) {
    self.database = database
    self.settings = settings
    self.healthLook = healthLook
    self.queues = queues
    self.activityTimes = activityTimes
    self.searchMemory = searchMemory
    self.clock = clock
    self.monotonicClock = monotonicClock
    self.idGenerator = idGenerator
    let totals = try Totals.read(database)
    state = State(
      totals: totals, history: try KeptHistory.read(database, newest: totals.sequence),
      deadLetters: try database.integer("SELECT count(*) FROM dead_letters") ?? 0)
    committed = state
    let now = monotonicClock.now
    timers = try Self.timers(database, settings: settings, at: now)
    meters = try Self.meters(database, settings: settings, at: now)
    statements = try WriterStatements(database)
    messageStatements = try MessageStatements(database)
    bus = try MessageBus(database, notes: notes)
    healthAgenda = try Self.healthAgenda(database, bus, meters, settings: settings, at: now)
  }

  /// The time of the change that is being applied. It never steps back, not even when the machine's clock does.
  func nextTime() -> Timestamp {
    state.totals.time = max(state.totals.time, clock.now())
    return state.totals.time
  }

  /// What the machine's clock says.
  var clockTime: Timestamp { clock.now() }

  func nextID() -> SessionID {
    idGenerator.next()
  }
}

// MARK: Transactions

extension Writer {
  func beginBatch() throws(StorageFailure) {
    lossReason = nil
    try statements.begin.run()
  }

  /// Whether the transaction is gone: SQLite ends it by itself when the disk is full or fails.
  var lostBatch: Bool { lossReason != nil }

  /// Applies one change: all of it, or nothing of it.
  ///
  /// A change that refuses whatever it refuses before it writes can do without a savepoint, for which SQLite copies
  /// each page that is written. When the file fails it in the middle, the batch is lost.
  func apply<Output>(
    needsSavepoint: Bool = true, _ change: (Writer) throws(SessionError) -> Output
  ) throws(SessionError) -> Output {
    let before = state
    let mark = bus.mark
    let writesCount = database.writesCount
    do throws(SessionError) {
      if needsSavepoint { try storing { () throws(StorageFailure) in try statements.savepoint.run() } }
      let output = try change(self)
      if needsSavepoint { try storing { () throws(StorageFailure) in try statements.release.run() } }
      batch.append(staged)
      staged = Changes()
      return output
    } catch {
      meters.giveBack(staged.reports, at: monotonicClock.now)
      healthAgenda.note(staged.lookedAt)
      staged = Changes()
      state = before
      bus.undo(to: mark)
      try undo(after: error, toSavepoint: needsSavepoint, hasWritten: database.writesCount != writesCount)
      throw error
    }
  }

  private func undo(after error: SessionError, toSavepoint: Bool, hasWritten: Bool) throws(SessionError) {
    if database.isIdle || !toSavepoint && hasWritten {
      // With the transaction gone, everything that was applied before in this batch is gone too.
      if case .storage(let failure) = error { lossReason = failure } else { lossReason = Self.unknownLoss }
      return
    }
    guard toSavepoint else { return }
    do throws(StorageFailure) {
      try statements.rollBackToSavepoint.run()
      try statements.release.run()
    } catch {
      lossReason = error
      throw .storage(error)
    }
  }

  /// Makes the batch durable, and tells what it changed; nil when it changed nothing.
  func commitBatch() throws(StorageFailure) -> Commit? {
    if let lossReason { throw lossReason }
    if state.totals != committed.totals {
      state.totals.bind(to: statements.updateTotals)
      try statements.updateTotals.run()
    }
    try searchMemory.follow(batch) { () throws(StorageFailure) in try statements.commit.run() }
    let queues = bus.committed()
    let isQuiet = batch.isEmpty && state.history.oldestSequence == committed.history.oldestSequence
    committed = state
    defer { batch = Changes() }
    mail = batch.deliveries
    left = batch.deleted
    for session in batch.sessions where session.registration == nil { left.append(session.id) }
    waits.wake(batch)
    var commit = isQuiet ? nil : summary()
    if let commit { follow(commit) }
    followReports(batch, commit)
    followHealth(batch, commit, queues: queues)
    let active = followActivity(batch) + batch.reports.map(\.id)
    if !active.isEmpty {
      commit = commit ?? standing
      commit?.active = active
    }
    timers.giveBack()
    return commit
  }

  private func follow(_ commit: Commit) {
    let now = monotonicClock.now
    let active = Set(batch.active)
    for session in commit.sessions {
      timers.follow(
        session.id, session.status, session.constraints, wasActive: active.contains(session.id), at: now)
    }
    for id in commit.deleted { timers.remove(id) }
  }

  /// Whether a session was active in the batch that is being applied.
  func isActiveInBatch(_ id: SessionID) -> Bool { batch.active.contains(id) }

  /// Tells receivers what was committed.
  func sendMail() {
    for (mailbox, delivery) in mail { mailbox.put(delivery) }
    for id in left { bus.endReceivers(of: id) }
    mail = []
    left = []
  }

  /// Drops the batch; the writer stands as after the last commit.
  func rollBackBatch() throws(StorageFailure) {
    meters.giveBack(batch.reports + staged.reports, at: monotonicClock.now)
    healthAgenda.note(batch.lookedAt + staged.lookedAt)
    state = committed
    bus.undo()
    batch = Changes()
    staged = Changes()
    timers.giveBack()
    if !database.isIdle { try database.execute("ROLLBACK") }
  }

  /// A commit of nothing, as things stand.
  var standing: Commit {
    Commit(
      events: [], sessions: [], deleted: [], sequence: state.totals.sequence,
      oldestSequence: state.history.oldestSequence)
  }

  private func summary() -> Commit {
    var commit = standing
    commit.events = batch.events
    commit.deleted = batch.deleted
    if batch.sessions.count == 1, batch.deleted.isEmpty {
      commit.sessions = batch.sessions
      return commit
    }
    // The newest state of each session, in the order in which they last changed.
    var seen = Set(batch.deleted)
    for session in batch.sessions.reversed() where seen.insert(session.id).inserted { commit.sessions.append(session) }
    commit.sessions.reverse()
    return commit
  }

  private static let unknownLoss = StorageFailure(kind: .other, extendedCode: 0, statement: "SAVEPOINT change")
}

/// Gives the failures of statements their place among the errors of sessions.
func storing<Output>(_ body: () throws(StorageFailure) -> Output) throws(SessionError) -> Output {
  do throws(StorageFailure) {
    return try body()
  } catch {
    throw .storage(error)
  }
}
