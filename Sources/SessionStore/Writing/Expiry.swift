import SessionDomain

/// Moves sessions that nobody uses.
extension Writer {
  /// The most sessions that one commit moves, so that no caller waits long for it.
  static let expiredSessionsMax = 256

  /// How long until a session's time is over; zero when one's is, nil when none has any.
  var timeToExpiry: Duration? {
    timers.nextDeadline { [meters] in meters.lastReport(of: $0)?.instant }
      .map { max(.zero, monotonicClock.now.duration(to: $0)) }
  }

  /// Sessions whose time is over, some of them, until the batch ends.
  func takeInactive(at now: ContinuousClock.Instant) -> [SessionID] {
    timers.take(at: now, max: Self.expiredSessionsMax) { [meters] in meters.lastReport(of: $0)?.instant }
  }

  /// Moves a session whose time is over, unless something has happened in this batch that gives it more.
  func expire(_ id: SessionID, at now: ContinuousClock.Instant) throws(SessionError) {
    // It may have reported since it was taken.
    if let report = meters.lastReport(of: id) { timers.noteActivity(id, at: report.instant) }
    let session = try storing { () throws(StorageFailure) in try find(id) }
    guard let session, timers.isOver(session, wasActive: isActiveInBatch(id), at: now) else { return }
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.expire()
    try storing { () throws(StorageFailure) in _ = try replace(session, with: editor.session, events: editor.events) }
  }

  /// Starts all times afresh.
  static func timers(
    _ database: Database, settings: SessionStoreSettings, at now: ContinuousClock.Instant
  ) throws(StorageFailure) -> InactivityTimers {
    let bounds = settings.healthThresholds.inactivity
    var timers = InactivityTimers(
      timeout: settings.sessionTimeout, parts: settings.enableHealthChecks ? [bounds.degraded, bounds.unhealthy] : [])
    let statement = try database.bound(StatusLookup.all(where: \.isLive, "id, status, constraints"))
    defer { statement.reset() }
    do throws(StorageFailure) {
      while try statement.step() {
        var row = statement.row
        let id = SessionID(row.text())
        let status = SessionStatus(rawValue: Int32(clamping: row.integer()))
        guard let id, let status else { throw SessionRow.damaged }
        timers.follow(id, status, try JSONText.strings(&row) ?? [], wasActive: false, at: now)
      }
    } catch {
      // A damaged page is told by the calls that read it. What is behind it has no time until it changes.
      guard error.kind == .corrupt else { throw error }
    }
    return timers
  }
}
