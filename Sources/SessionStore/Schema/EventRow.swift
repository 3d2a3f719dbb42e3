import CSQLite
import SessionDomain

/// An event as a row of the table `events`. Empty texts and lists are NULL.
enum EventRow {
  static let selection: SQLFragment = """
    sequence, time, kind, session_id, session_type, session_name, old_status, new_status, reason, error, \
    changed_fields, old_health, new_health
    """

  static let columns = selection.sql
  static let marks = Array(repeating: "?", count: 13).joined(separator: ", ")

  static func bind(_ event: SessionEvent, to statement: Statement) {
    statement.bind(event.sequence)
    statement.bind(event.time)
    statement.bind(Int64(event.kind.rawValue))
    statement.bind(event.sessionID)
    statement.bind(Int64(event.sessionType.rawValue))
    statement.bind(event.sessionName)
    statement.bind((event.oldStatus?.rawValue).map(Int64.init))
    statement.bind(Int64(event.newStatus.rawValue))
    statement.bind(nilIfEmpty(event.reason))
    statement.bind(nilIfEmpty(event.error))
    statement.bind(event.changedFields.isEmpty ? nil : JSONText.encode(event.changedFields))
    statement.bind(nilIfEmpty(event.oldHealth))
    statement.bind(nilIfEmpty(event.newHealth))
  }

  static func read(_ row: inout Row) throws(StorageFailure) -> SessionEvent {
    let sequence = row.integer()
    let time = Timestamp(microseconds: row.integer())
    let kind = EventKind(rawValue: Int32(clamping: row.integer()))
    let id = SessionID(row.text())
    let type = SessionType(rawValue: Int32(clamping: row.integer()))
    let name = row.text()
    let oldStatus = row.optionalInteger().flatMap { SessionStatus(rawValue: Int32(clamping: $0)) }
    let newStatus = SessionStatus(rawValue: Int32(clamping: row.integer()))
    guard let kind, let id, let type, let newStatus else { throw damaged }
    var event = SessionEvent(
      sequence: sequence, time: time, kind: kind, sessionID: id, sessionType: type, sessionName: name,
      newStatus: newStatus)
    event.oldStatus = oldStatus
    event.reason = row.text()
    event.error = row.text()
    event.changedFields = try JSONText.strings(&row) ?? []
    event.oldHealth = row.text()
    event.newHealth = row.text()
    return event
  }

  private static func nilIfEmpty(_ text: String) -> String? {
    text.isEmpty ? nil : text
  }

  private static let damaged = StorageFailure(code: SQLITE_CORRUPT, statement: "read of an event")
}
