import SessionDomain

/// The newest sequence, the counts of sessions, and what they were allocated: one row of the table `totals`.
struct Totals: Hashable, Sendable {
  /// The newest event's sequence; 0 when there never was one.
  var sequence: Int64 = 0
  /// The newest change's time; times never step back.
  var time = Timestamp(microseconds: 0)
  // Lanes are the contract's numbers.
  private var types = SIMD8<Int64>()
  private var statuses = SIMD8<Int64>()
  /// What all sessions together were allocated. No sum passes `Int64.max`: what would is refused.
  private(set) var allocated = ResourceAllocation(memoryBytes: 0, cpuMillicores: 0, diskBytes: 0)
  /// Tasks that were ever reported.
  private(set) var tasksProcessed: Int64 = 0
  /// How long sessions have been up.
  private(set) var uptime = Uptime()

  /// The uptime of all sessions that ever started, at any time.
  struct Uptime: Hashable, Sendable {
    /// Sessions that ever started.
    var started: Int64 = 0
    /// Those of them that have not ended.
    var running: Int64 = 0
    /// The ends of those that did, less the starts of all: whole seconds of each.
    var seconds: Int64 = 0
    /// What is left of them.
    var microseconds: Int64 = 0

    /// Takes a session in, or with -1 out.
    mutating func add(_ session: Session, times sign: Int64 = 1) {
      guard let start = session.startTime else { return }
      let end = session.endTime?.microseconds ?? 0
      started += sign
      running += session.endTime == nil ? sign : 0
      seconds += sign * (end / 1_000_000 - start.microseconds / 1_000_000)
      microseconds += sign * (end % 1_000_000 - start.microseconds % 1_000_000)
    }

    /// The mean at `time`; zero when none started.
    func average(at time: Timestamp) -> Duration {
      guard started > 0 else { return .zero }
      let whole = Int128(running) * Int128(time.microseconds) + Int128(seconds) * 1_000_000 + Int128(microseconds)
      return .microseconds(Int64(clamping: max(0, whole / Int128(started))))
    }
  }

  static let columns = """
    sequence, time, type_director, type_department, type_observer, type_active, status_initializing, status_active, \
    status_idle, status_completed, status_error, status_terminated, allocated_memory_bytes, allocated_cpu_millicores, \
    allocated_disk_bytes, tasks_processed, started, running, uptime_seconds, uptime_microseconds
    """

  static let update = """
    UPDATE totals SET sequence = ?, time = ?, type_director = ?, type_department = ?, type_observer = ?, \
    type_active = ?, status_initializing = ?, status_active = ?, status_idle = ?, status_completed = ?, \
    status_error = ?, status_terminated = ?, allocated_memory_bytes = ?, allocated_cpu_millicores = ?, \
    allocated_disk_bytes = ?, tasks_processed = ?, started = ?, running = ?, uptime_seconds = ?, \
    uptime_microseconds = ? WHERE id = 1
    """

  func count(_ type: SessionType) -> Int64 {
    types[Int(type.rawValue)]
  }

  func count(_ status: SessionStatus) -> Int64 {
    statuses[Int(status.rawValue)]
  }

  /// Sessions in no final status.
  var unfinished: Int64 {
    SessionStatus.allCases.reduce(0) { $1.isFinal ? $0 : $0 + count($1) }
  }

  mutating func add(_ session: Session) {
    types[Int(session.type.rawValue)] += 1
    statuses[Int(session.status.rawValue)] += 1
    uptime.add(session)
    guard let resources = session.resources else { return }
    allocated.memoryBytes += resources.memoryBytes
    allocated.cpuMillicores += resources.cpuMillicores
    allocated.diskBytes += resources.diskBytes
  }

  mutating func remove(_ session: Session) {
    types[Int(session.type.rawValue)] -= 1
    statuses[Int(session.status.rawValue)] -= 1
    uptime.add(session, times: -1)
    guard let resources = session.resources else { return }
    allocated.memoryBytes -= resources.memoryBytes
    allocated.cpuMillicores -= resources.cpuMillicores
    allocated.diskBytes -= resources.diskBytes
  }

  mutating func add(tasks: Int64) {
    tasksProcessed = tasksProcessed.addingSaturating(tasks)
  }

  var byType: [SessionType: Int64] {
    Dictionary(uniqueKeysWithValues: SessionType.allCases.map { ($0, count($0)) })
  }

  var byStatus: [SessionStatus: Int64] {
    Dictionary(uniqueKeysWithValues: SessionStatus.allCases.map { ($0, count($0)) })
  }

  func stats(at time: Timestamp) -> SessionStats {
    SessionStats(
      byType: byType, byStatus: byStatus, averageUptime: uptime.average(at: time), tasksProcessed: tasksProcessed,
      sequence: sequence)
  }

  func bind(to statement: Statement) {
    statement.bind(sequence)
    statement.bind(time)
    for type in SessionType.allCases { statement.bind(count(type)) }
    for status in SessionStatus.allCases { statement.bind(count(status)) }
    statement.bind(allocated.memoryBytes)
    statement.bind(allocated.cpuMillicores)
    statement.bind(allocated.diskBytes)
    statement.bind(tasksProcessed)
    statement.bind(uptime.started)
    statement.bind(uptime.running)
    statement.bind(uptime.seconds)
    statement.bind(uptime.microseconds)
  }

  static func read(_ database: Database) throws(StorageFailure) -> Totals {
    let statement = try database.statement("SELECT \(columns) FROM totals WHERE id = 1")
    defer { statement.reset() }
    guard try statement.step() else { throw SessionRow.damaged }
    var row = statement.row
    var totals = Totals()
    totals.sequence = row.integer()
    totals.time = Timestamp(microseconds: row.integer())
    for type in SessionType.allCases { totals.types[Int(type.rawValue)] = row.integer() }
    for status in SessionStatus.allCases { totals.statuses[Int(status.rawValue)] = row.integer() }
    totals.allocated = ResourceAllocation(
      memoryBytes: row.integer(), cpuMillicores: row.integer(), diskBytes: row.integer())
    totals.tasksProcessed = row.integer()
    totals.uptime.started = row.integer()
    totals.uptime.running = row.integer()
    totals.uptime.seconds = row.integer()
    totals.uptime.microseconds = row.integer()
    return totals
  }
}
