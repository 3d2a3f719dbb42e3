import SessionDomain

/// Takes to the file what sessions reported, and tells of it.
extension Writer {
  /// How long until reports go to the file; zero when it is time, nil when there are none.
  var timeToKeepReports: Duration? {
    guard let since = meters.waitingSince else { return nil }
    if keepsReportsAtOnce { return .zero }
    return max(.zero, monotonicClock.now.duration(to: since + settings.metricsInterval))
  }

  /// Keeps what was reported, of so many sessions.
  func keepReports(max: Int) throws(StorageFailure) {
    state.totals.add(tasks: state.unclaimedTasks)
    state.unclaimedTasks = 0
    var ids = meters.takeWaiting(max)[...]
    // Those that were not come to are not forgotten. They wait anew, lest a file that fails is tried without end.
    defer { meters.putBack(ids, at: monotonicClock.now) }
    while let id = ids.first {
      try keepReports(of: id)
      ids.removeFirst()
    }
  }

  /// Keeps what a session reported.
  func keepReports(of id: SessionID) throws(StorageFailure) {
    guard let pending = meters.takePending(of: id) else { return }
    // Given back with whatever undoes the change.
    staged.reports.append((id, pending))
    var row = try MetricsRow.find(id, in: database)
    row.processed += ProcessedCounts(tasks: pending.tasks)
    row.usage = pending.usage
    try row.save(id, in: database)
    // Changes that come after it are not older, also when the clock was set back.
    state.totals.time = max(state.totals.time, pending.time)
    statements.noteActivity.bind(pending.time)
    statements.noteActivity.bind(id)
    try statements.noteActivity.run()
    state.totals.add(tasks: pending.tasks)
  }

  /// Counts messages that a session has acknowledged, each so long after it was delivered.
  func noteAcknowledgements(
    of id: SessionID, failed: Bool, responseTimes: [Duration]
  ) throws(StorageFailure) {
    guard settings.recordsMetrics, !responseTimes.isEmpty else { return }
    statements.countMessages.bind(id)
    statements.countMessages.bind(Int64(responseTimes.count))
    try statements.countMessages.run()
    staged.acknowledgements.append(Acknowledgements(id: id, failed: failed, responseTimes: responseTimes))
  }

  /// Lets a session that moved without its state count from zero; what it reported until now is in the totals.
  func restartCounts(of id: SessionID) throws(StorageFailure) {
    try keepReports(of: id)
    var row = try MetricsRow.find(id, in: database)
    row.processed = ProcessedCounts()
    try row.save(id, in: database)
    staged.restarted.append(id)
  }

  /// Lets a session that was just made go on counting where another one is. The totals have those counts already.
  func copyCounts(of source: SessionID, to copy: SessionID) throws(StorageFailure) {
    try keepReports(of: source)
    let row = MetricsRow(processed: try MetricsRow.find(source, in: database).processed)
    if !row.processed.isZero { try row.save(copy, in: database) }
  }

  /// Takes a session's counts away that is deleted; the totals keep them.
  func removeMetrics(of id: SessionID) throws(StorageFailure) {
    try keepReports(of: id)
    try MetricsRow.remove(id, in: database)
  }

  func stats() -> SessionStats { state.totals.stats(at: max(state.totals.time, clockTime)) }

  func metrics(of id: SessionID) throws(SessionError) -> PerformanceMetrics {
    _ = try existing(id)
    let row = try storing { () throws(StorageFailure) in
      try keepReports(of: id)
      return try MetricsRow.find(id, in: database)
    }
    let reading = meters.reading(of: id)
    return PerformanceMetrics(
      sessionID: id, processed: row.processed, usage: row.usage,
      recent: reading?.window ?? MetricsWindow(), at: meters.position(of: monotonicClock.now),
      window: settings.metricsWindow, sampleTime: max(state.totals.time, clockTime))
  }

  /// Follows a commit: which sessions take reports, and which have finished or are gone.
  func followReports(_ batch: Changes, _ commit: Commit?) {
    let now = monotonicClock.now
    for session in commit?.sessions ?? [] { meters.follow(session.id, isFinal: session.status.isFinal, at: now) }
    for id in batch.restarted { meters.clearWindow(of: id) }
    for messages in batch.acknowledgements {
      meters.takeMessages(
        of: messages.id, failed: messages.failed, responseTimes: messages.responseTimes, at: now, state.totals.time)
    }
    for id in batch.deleted {
      // What came between the last look and now was accepted, and counts.
      state.unclaimedTasks = state.unclaimedTasks.addingSaturating(meters.remove(id))
    }
    committed.unclaimedTasks = state.unclaimedTasks
  }

  /// Tells the meters of every session in no final status.
  static func meters(
    _ database: Database, settings: SessionStoreSettings, at now: ContinuousClock.Instant
  ) throws(StorageFailure) -> Meters {
    let meters = Meters(settings, at: now)
    // What is behind a damaged page takes reports from its next change on.
    try SessionLookup.eachID(StatusLookup.all(where: { !$0.isFinal }, "id"), in: database) {
      meters.follow($0, isFinal: false, at: now)
    }
    return meters
  }
}

/// Messages that a session has acknowledged.
struct Acknowledgements {
  let id: SessionID
  let failed: Bool
  let responseTimes: [Duration]
}
