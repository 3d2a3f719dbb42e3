import CSQLite
import SessionDomain

/// A session as a row of the table `sessions`.
enum SessionRow {
  /// The columns, in the order in which they are read and bound.
  static let selection: SQLFragment = """
    id, type, status, name, workspace, metadata, capabilities, constraints, environment, parent_id, template_name, \
    cloned_from, status_reason, memory_bytes, cpu_millicores, disk_bytes, register_message_types, register_priority, \
    register_time, register_draining, create_time, update_time, start_time, end_time, last_activity_time, revision
    """

  static let columns = selection.sql
  static let insert =
    "INSERT INTO sessions (\(columns)) VALUES (\(Array(repeating: "?", count: 26).joined(separator: ", ")))"

  /// Takes the values of a whole row, and leaves alone what never changes: each column that is set costs its indexes.
  static let update: String = {
    let fixed: Set<Substring> = ["id", "type", "create_time"]
    let names = columns.split(separator: ", ")
    let assignments = names.enumerated().filter { !fixed.contains($0.element) }.map {
      "\($0.element) = ?\($0.offset + 1)"
    }
    return "UPDATE sessions SET \(assignments.joined(separator: ", ")) WHERE id = ?1"
  }()

  /// Binds every column. `metadataText` is the metadata as compact JSON.
  static func bind(_ session: Session, metadataText: String, to statement: Statement) {
    statement.bind(session.id)
    statement.bind(Int64(session.type.rawValue))
    statement.bind(Int64(session.status.rawValue))
    statement.bind(session.name)
    statement.bind(session.workspace)
    statement.bind(metadataText)
    statement.bind(JSONText.encode(session.capabilities))
    statement.bind(JSONText.encode(session.constraints))
    statement.bind(JSONText.encode(session.environment))
    statement.bind(session.parentID)
    statement.bind(session.templateName)
    statement.bind(session.clonedFrom)
    statement.bind(session.statusReason)
    statement.bind(session.resources?.memoryBytes)
    statement.bind(session.resources?.cpuMillicores)
    statement.bind(session.resources?.diskBytes)
    statement.bind((session.registration?.messageTypes).map(JSONText.encode))
    statement.bind((session.registration?.priority?.rawValue).map(Int64.init))
    statement.bind(session.registration?.registerTime)
    statement.bind((session.registration?.isDraining).map { $0 ? 1 : 0 })
    statement.bind(session.createTime)
    statement.bind(session.updateTime)
    statement.bind(session.startTime)
    statement.bind(session.endTime)
    statement.bind(session.lastActivityTime)
    statement.bind(session.revision)
  }

  /// Reads every column, from the row's next one on. A row that no session can have is a damaged file.
  static func read(_ row: inout Row) throws(StorageFailure) -> Session {
    let id = row.withOptionalText { $0.flatMap { SessionID(utf8: $0) } }
    let type = SessionType(rawValue: Int32(clamping: row.integer()))
    let status = SessionStatus(rawValue: Int32(clamping: row.integer()))
    guard let id, let type, let status else { throw damaged }
    var session = Session(
      id: id, type: type, name: row.text(), status: status, workspace: row.text(),
      createTime: Timestamp(microseconds: 0), revision: 0)
    session.metadata = try JSONText.object(&row)
    session.capabilities = try JSONText.strings(&row) ?? []
    session.constraints = try JSONText.strings(&row) ?? []
    session.environment = try JSONText.texts(&row)
    session.parentID = row.optionalText().flatMap { SessionID($0) }
    session.templateName = row.optionalText()
    session.clonedFrom = row.optionalText().flatMap { SessionID($0) }
    session.statusReason = row.optionalText()
    let resources = (row.optionalInteger(), row.optionalInteger(), row.optionalInteger())
    if let memory = resources.0, let cpu = resources.1, let disk = resources.2 {
      session.resources = ResourceAllocation(memoryBytes: memory, cpuMillicores: cpu, diskBytes: disk)
    }
    session.registration = try registration(&row)
    session.createTime = Timestamp(microseconds: row.integer())
    session.updateTime = Timestamp(microseconds: row.integer())
    session.startTime = row.optionalInteger().map(Timestamp.init)
    session.endTime = row.optionalInteger().map(Timestamp.init)
    session.lastActivityTime = Timestamp(microseconds: row.integer())
    session.revision = row.integer()
    return session
  }

  static func registration(_ row: inout Row) throws(StorageFailure) -> Registration? {
    let messageTypes = try JSONText.strings(&row)
    let priority = row.optionalInteger().flatMap { MessagePriority(rawValue: Int32(clamping: $0)) }
    let time = row.optionalInteger()
    let isDraining = row.integer() != 0
    guard let messageTypes, let time else { return nil }
    return Registration(
      messageTypes: messageTypes, priority: priority, registerTime: Timestamp(microseconds: time),
      isDraining: isDraining)
  }

  static let damaged = StorageFailure(code: SQLITE_CORRUPT, statement: "read of a session")
}
