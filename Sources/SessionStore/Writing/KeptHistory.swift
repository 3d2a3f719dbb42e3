import SessionDomain

/// Which events and request ids the file still has.
struct KeptHistory: Hashable {
  /// The oldest event; one more than the newest when there is none.
  private(set) var oldestSequence: Int64
  /// When the oldest event happened; nil when there is none.
  private(set) var oldestTime: Timestamp?
  /// When the oldest request id was noted; nil when there is none.
  var oldestRequestTime: Timestamp?

  static func read(_ database: Database, newest: Int64) throws(StorageFailure) -> KeptHistory {
    var history = KeptHistory(
      oldestSequence: try database.integer("SELECT min(sequence) FROM events") ?? newest + 1, oldestTime: nil,
      oldestRequestTime: nil)
    // min() of nothing is NULL, which reads as 0: no event has that sequence.
    if history.oldestSequence == 0 { history.oldestSequence = newest + 1 }
    try history.readTimes(database)
    return history
  }

  mutating func append(_ event: SessionEvent) {
    if oldestTime == nil {
      oldestTime = event.time
      oldestSequence = event.sequence
    }
  }

  mutating func forget(through sequence: Int64, _ database: Database) throws(StorageFailure) {
    oldestSequence = sequence + 1
    try readTimes(database)
  }

  mutating func readTimes(_ database: Database) throws(StorageFailure) {
    oldestTime = try database.integer("SELECT time FROM events ORDER BY sequence LIMIT 1").map(Timestamp.init)
    oldestRequestTime = try database.integer("SELECT time FROM requests ORDER BY time LIMIT 1").map(Timestamp.init)
  }
}

// MARK: Pruning

extension Writer {
  /// The most rows that one commit forgets, so that no caller waits long for it.
  static let forgottenRowsMax: Int64 = 1024

  /// Whether `forgetExpired` has something to do.
  var hasExpired: Bool {
    let now = clockTime
    return excessEvents > 0 || state.history.oldestTime.map { $0 < eventCutoff(now) } ?? false
      || state.history.oldestRequestTime.map { $0 < requestCutoff(now) } ?? false
  }

  /// Forgets the oldest events that are too many or too old, and request ids that are too old, some of them.
  func forgetExpired() throws(StorageFailure) {
    let now = clockTime
    let step = state.history.oldestSequence + Self.forgottenRowsMax - 1
    var last = min(step, state.history.oldestSequence + excessEvents - 1)
    if let oldest = state.history.oldestTime, oldest < eventCutoff(now) {
      last = max(last, try lastEvent(before: eventCutoff(now), through: step))
    }
    if last >= state.history.oldestSequence {
      let statement = try database.statement("DELETE FROM events WHERE sequence <= ?")
      statement.bind(last)
      try statement.run()
      try state.history.forget(through: last, database)
    }
    if let oldest = state.history.oldestRequestTime, oldest < requestCutoff(now) {
      try forgetRequests(before: requestCutoff(now))
    }
  }

  func eventCutoff(_ now: Timestamp) -> Timestamp {
    now.advanced(by: .zero - settings.eventRetention)
  }

  func requestCutoff(_ now: Timestamp) -> Timestamp {
    now.advanced(by: .zero - settings.requestRetention)
  }

  private var excessEvents: Int64 {
    let kept = state.totals.sequence - state.history.oldestSequence + 1
    return max(0, kept - Int64(max(0, settings.eventRetentionCount)))
  }

  /// The last of the oldest events that happened before `cutoff`. Times grow with sequences.
  private func lastEvent(before cutoff: Timestamp, through step: Int64) throws(StorageFailure) -> Int64 {
    let statement = try database.statement(
      "SELECT coalesce(max(sequence), 0) FROM events WHERE sequence <= ? AND time < ?")
    defer { statement.reset() }
    statement.bind(step)
    statement.bind(cutoff)
    guard try statement.step() else { return 0 }
    var row = statement.row
    return row.integer()
  }

  static let forgetRequests = """
    DELETE FROM requests WHERE (method, request_id) IN \
    (SELECT method, request_id FROM requests WHERE time < ? ORDER BY time LIMIT ?)
    """

  private func forgetRequests(before cutoff: Timestamp) throws(StorageFailure) {
    let statement = try database.statement(Self.forgetRequests)
    statement.bind(cutoff)
    statement.bind(Self.forgottenRowsMax)
    try statement.run()
    try state.history.readTimes(database)
  }
}
