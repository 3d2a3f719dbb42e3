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

  static let columns = """
    sequence, time, type_director, type_department, type_observer, type_active, status_initializing, status_active, \
    status_idle, status_completed, status_error, status_terminated, allocated_memory_bytes, allocated_cpu_millicores, \
    allocated_disk_bytes
    """

  static let update = """
    UPDATE totals SET sequence = ?, time = ?, type_director = ?, type_department = ?, type_observer = ?, \
    type_active = ?, status_initializing = ?, status_active = ?, status_idle = ?, status_completed = ?, \
    status_error = ?, status_terminated = ?, allocated_memory_bytes = ?, allocated_cpu_millicores = ?, \
    allocated_disk_bytes = ? WHERE id = 1
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
    guard let resources = session.resources else { return }
    allocated.memoryBytes += resources.memoryBytes
    allocated.cpuMillicores += resources.cpuMillicores
    allocated.diskBytes += resources.diskBytes
  }

  mutating func remove(_ session: Session) {
    types[Int(session.type.rawValue)] -= 1
    statuses[Int(session.status.rawValue)] -= 1
    guard let resources = session.resources else { return }
    allocated.memoryBytes -= resources.memoryBytes
    allocated.cpuMillicores -= resources.cpuMillicores
    allocated.diskBytes -= resources.diskBytes
  }

  func bind(to statement: Statement) {
    statement.bind(sequence)
    statement.bind(time)
    for type in SessionType.allCases { statement.bind(count(type)) }
    for status in SessionStatus.allCases { statement.bind(count(status)) }
    statement.bind(allocated.memoryBytes)
    statement.bind(allocated.cpuMillicores)
    statement.bind(allocated.diskBytes)
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
    return totals
  }
}
