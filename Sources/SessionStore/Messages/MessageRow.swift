import CSQLite
import SessionDomain

/// A message as a row of the tables `messages` and `dead_letters`. Empty texts are NULL where they may be.
enum MessageRow {
  /// The columns that both tables have, in the order in which they are read and bound. The payload comes last: who does
  /// not read it does not read the pages that a long one takes.
  static let selection: SQLFragment = """
    id, receiver_id, priority, send_time, expire_time, delivery_attempt, type, sender_id, correlation_id, payload
    """

  static let columns = selection.sql

  static let insert = """
    INSERT INTO messages (number, failures, \(columns)) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """

  static func bind(_ message: Message, number: Int64, to statement: Statement) {
    statement.bind(number)
    statement.bind(message.id)
    statement.bind(message.receiverID)
    statement.bind(Int64(message.priority.rawValue))
    statement.bind(message.sendTime)
    statement.bind(message.expireTime)
    statement.bind(Int64(message.deliveryAttempt))
    statement.bind(message.type)
    statement.bind(message.senderID)
    statement.bind(message.correlationID.isEmpty ? nil : message.correlationID)
    statement.bind(message.payload)
  }

  /// Reads the columns, from the row's next one on.
  static func read(_ row: inout Row) throws(StorageFailure) -> Message {
    let id = row.withOptionalText { $0.flatMap { SessionID(utf8: $0) } }
    let receiverID = row.withOptionalText { $0.flatMap { SessionID(utf8: $0) } }
    let priority = MessagePriority(rawValue: Int32(clamping: row.integer()))
    guard let id, let receiverID, let priority else { throw damaged }
    let sendTime = Timestamp(microseconds: row.integer())
    let expireTime = Timestamp(microseconds: row.integer())
    let attempt = Int(row.integer())
    let type = row.text()
    let senderID = row.withOptionalText { $0.flatMap { SessionID(utf8: $0) } }
    let correlationID = row.text()
    return Message(
      id: MessageID(id), type: type, priority: priority, senderID: senderID, receiverID: receiverID,
      payload: row.blob(), correlationID: correlationID, sendTime: sendTime, expireTime: expireTime,
      deliveryAttempt: attempt)
  }

  static let damaged = StorageFailure(code: SQLITE_CORRUPT, statement: "read of a message")
}

/// The statements of the bus, prepared once.
struct MessageStatements {
  let insert: Statement
  let find: Statement
  let findNext: Statement
  let noteAttempt: Statement
  let noteFailure: Statement
  let bury: Statement
  let remove: Statement

  init(_ database: Database) throws(StorageFailure) {
    insert = try database.prepare(MessageRow.insert)
    find = try database.prepare("SELECT failures, \(MessageRow.columns) FROM messages WHERE number = ?")
    findNext = try database.prepare(Self.next)
    noteAttempt = try database.prepare("UPDATE messages SET delivery_attempt = ? WHERE number = ?")
    noteFailure = try database.prepare("UPDATE messages SET failures = ? WHERE number = ?")
    bury = try database.prepare("\(Self.copyToDeadLetters) WHERE number = ?3")
    remove = try database.prepare("DELETE FROM messages WHERE number = ?")
  }

  /// The oldest message of a session and a priority after a number.
  static let next = """
    SELECT number, send_time FROM messages WHERE receiver_id = ? AND priority = ? AND number > ? ORDER BY number LIMIT 1
    """

  /// The messages whose time is over, from a place on.
  static let expired = """
    SELECT expire_time, number, receiver_id, priority, id FROM messages \
    WHERE expire_time <= ? AND (expire_time, number) > (?, ?) ORDER BY expire_time, number LIMIT 256
    """

  static let nextExpiry = "SELECT expire_time FROM messages WHERE expire_time > ? ORDER BY expire_time LIMIT 1"

  static let copyToDeadLetters = """
    INSERT INTO dead_letters (reason, time, \(MessageRow.columns)) SELECT ?1, ?2, \(MessageRow.columns) FROM messages
    """

  static let counts = "SELECT receiver_id, priority, count(*) FROM messages GROUP BY receiver_id, priority"
}
