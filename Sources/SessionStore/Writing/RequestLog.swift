import SessionDomain

/// Request ids that were used, so that a repeat changes nothing.
extension Writer {
  /// The session that this request made before; nil when it is new, or so old that it is new again.
  ///
  /// Throws `requestIDReused` when it had another body, and `notFound` when the session was deleted since.
  func sessionOfEarlier(_ request: RequestKey) throws(SessionError) -> Session? {
    guard !request.requestID.isEmpty, let earlier = try storing({ () throws(StorageFailure) in try find(request) })
    else { return nil }
    guard earlier.time >= requestCutoff(clockTime) else { return nil }
    guard earlier.bodyDigest == request.bodyDigest else { throw .requestIDReused(requestID: request.requestID) }
    guard let session = try storing({ () throws(StorageFailure) in try find(earlier.sessionID) }) else {
      throw .notFound(earlier.sessionID)
    }
    return session
  }

  /// Notes that the request made this session.
  func note(_ request: RequestKey, made id: SessionID, at time: Timestamp) throws(StorageFailure) {
    guard !request.requestID.isEmpty else { return }
    let statement = try database.statement(
      """
      INSERT INTO requests (method, request_id, body_digest, session_id, time) VALUES (?, ?, ?, ?, ?) \
      ON CONFLICT DO UPDATE SET body_digest = excluded.body_digest, session_id = excluded.session_id, \
      time = excluded.time
      """)
    statement.bind(request.method)
    statement.bind(request.requestID)
    statement.bind(request.bodyDigest)
    statement.bind(id)
    statement.bind(time)
    try statement.run()
    if state.history.oldestRequestTime == nil { state.history.oldestRequestTime = time }
  }

  private func find(
    _ request: RequestKey
  ) throws(StorageFailure) -> (bodyDigest: [UInt8], sessionID: SessionID, time: Timestamp)? {
    let statement = try database.statement(
      "SELECT body_digest, session_id, time FROM requests WHERE method = ? AND request_id = ?")
    defer { statement.reset() }
    statement.bind(request.method)
    statement.bind(request.requestID)
    guard try statement.step() else { return nil }
    var row = statement.row
    let digest = row.blob()
    guard let id = SessionID(row.text()) else { throw SessionRow.damaged }
    return (digest, id, Timestamp(microseconds: row.integer()))
  }
}
