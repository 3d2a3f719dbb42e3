import SessionDomain

/// What sends with a request id were answered, so that a repeat sends nothing.
///
/// A receiver, its message and the message's priority are 33 bytes; everything else is in the request, or the same for
/// all of them.
extension Writer {
  /// The messages that this request sent before; nil when it is new, or so old that it is new again.
  ///
  /// Throws `requestIDReused` when it had another body.
  func messagesOfEarlier(_ request: RequestKey, _ new: NewMessage) throws(SessionError) -> [Message]? {
    guard !request.requestID.isEmpty, let earlier = try storing({ () throws(StorageFailure) in try findSent(request) })
    else { return nil }
    guard earlier.time >= requestCutoff(clockTime) else { return nil }
    guard earlier.bodyDigest == request.bodyDigest else { throw .requestIDReused(requestID: request.requestID) }
    var bytes = earlier.messages[...]
    var messages: [Message] = []
    while !bytes.isEmpty {
      guard let id = bytes.takeID(), let receiverID = bytes.takeID(),
        let priority = bytes.popFirst().flatMap({ MessagePriority(rawValue: Int32($0)) })
      else { throw .storage(MessageRow.damaged) }
      messages.append(new.message(MessageID(id), to: receiverID, priority: priority, at: earlier.time))
    }
    return messages
  }

  /// Notes that the request sent these messages.
  func note(_ request: RequestKey, sent messages: [Message], at time: Timestamp) throws(StorageFailure) {
    guard !request.requestID.isEmpty else { return }
    var bytes: [UInt8] = []
    for message in messages {
      bytes.append(id: SessionID(high: message.id.high, low: message.id.low))
      bytes.append(id: message.receiverID)
      bytes.append(UInt8(truncatingIfNeeded: message.priority.rawValue))
    }
    let statement = try database.statement(
      """
      INSERT INTO requests (method, request_id, body_digest, session_id, time, messages) VALUES (?, ?, ?, '', ?, ?) \
      ON CONFLICT DO UPDATE SET body_digest = excluded.body_digest, time = excluded.time, messages = excluded.messages
      """)
    statement.bind(request.method)
    statement.bind(request.requestID)
    statement.bind(request.bodyDigest)
    statement.bind(time)
    statement.bind(bytes)
    try statement.run()
    if state.history.oldestRequestTime == nil { state.history.oldestRequestTime = time }
  }

  private func findSent(
    _ request: RequestKey
  ) throws(StorageFailure) -> (bodyDigest: [UInt8], time: Timestamp, messages: [UInt8])? {
    let statement = try database.statement(
      "SELECT body_digest, time, messages FROM requests WHERE method = ? AND request_id = ?")
    defer { statement.reset() }
    statement.bind(request.method)
    statement.bind(request.requestID)
    guard try statement.step() else { return nil }
    var row = statement.row
    return (row.blob(), Timestamp(microseconds: row.integer()), row.blob())
  }
}

extension [UInt8] {
  fileprivate mutating func append(id: SessionID) {
    for half in [id.high, id.low] { Swift.withUnsafeBytes(of: half.bigEndian) { append(contentsOf: $0) } }
  }
}

extension ArraySlice<UInt8> {
  fileprivate mutating func takeID() -> SessionID? {
    guard count >= 16 else { return nil }
    defer { removeFirst(16) }
    let high = prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    let low = dropFirst(8).prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return SessionID(high: high, low: low)
  }
}
