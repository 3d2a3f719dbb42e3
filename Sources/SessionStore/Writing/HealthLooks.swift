import SessionDomain

/// Tells the illnesses of sessions that may be given work, in place of the store.
protocol HealthLook: Sendable {
  /// Why a session is unhealthy; nil when it is not. Must not wait.
  func illness(by signs: VitalSigns) -> String?
}

/// Looks how well sessions are.
extension Writer {
  /// The most sessions that one commit looks at, so that no caller waits long for it.
  static let lookedAtMax = 256
  /// The most sessions without activity that one commit finds for a look.
  private static let gatheredMax = 4096

  /// How long until the next look, or the rest of one; zero when it is time, nil when there never is one.
  var timeToHealthLook: Duration? {
    guard settings.enableHealthChecks else { return nil }
    guard !healthAgenda.isUnderway else { return .zero }
    return max(.zero, monotonicClock.now.duration(to: healthAgenda.deadline))
  }

  /// Looks at sessions in no final status whose health can have changed, some of them, and makes events of what has.
  func lookAtHealth(at now: ContinuousClock.Instant) throws(SessionError) {
    healthAgenda.begin()
    if healthAgenda.isGathering {
      let idle = timers.takeIdle(at: now, max: Self.gatheredMax) { [meters] in meters.lastReport(of: $0)?.instant }
      healthAgenda.note(idle.ids)
      guard !idle.hasMore else { return }
      healthAgenda.endGathering()
    }
    let ids = healthAgenda.take(Self.lookedAtMax) { meters.takeReported(in: $0) }
    healthAgenda.endIfDone(next: now + settings.healthCheckInterval)
    // The others have their turn, whatever becomes of it; whoever undoes it notes these again.
    staged.lookedAt += ids
    lookedAtCount += ids.count
    try storing { () throws(StorageFailure) in
      for id in ids {
        do throws(StorageFailure) {
          try lookAtHealth(of: id, at: now)
        } catch {
          // A damaged row is told by the calls that read it, and keeps no other session from being looked at.
          guard error.kind == .corrupt else { throw error }
        }
      }
    }
  }

  /// How well a session is now.
  func health(of id: SessionID) throws(SessionError) -> SessionHealth {
    let signs = try storing { () throws(StorageFailure) in
      try keepReports(of: id)
      return try vitalSigns(of: id, at: monotonicClock.now)
    }
    guard let signs else { throw .notFound(id) }
    return SessionHealth(signs.signs, by: settings.healthThresholds)
  }

  /// Looks at sessions, those of them that are there.
  func look(at ids: [SessionID]) throws(SessionError) -> [SessionHealth] {
    try storing { () throws(StorageFailure) in
      var healths: [SessionHealth] = []
      for id in ids {
        try keepReports(of: id)
        guard let (signs, last) = try vitalSigns(of: id, at: monotonicClock.now) else { continue }
        let health = SessionHealth(signs, by: settings.healthThresholds)
        healths.append(health)
        if settings.enableHealthChecks, !signs.status.isFinal { try note(health.status, was: last, of: id) }
      }
      return healths
    }
  }

  /// Looks at sessions, those after `id`.
  func look(after id: SessionID?, limit: Int) throws(SessionError) -> [SessionHealth] {
    let ids = try storing { () throws(StorageFailure) in try SessionLookup.ids(after: id, limit: limit, in: database) }
    return try look(at: ids)
  }

  /// Why sessions are unhealthy now, those of them that are.
  func illnesses(of ids: [SessionID]) throws(StorageFailure) -> [SessionID: String] {
    var illnesses: [SessionID: String] = [:]
    for id in ids {
      guard let signs = try vitalSigns(of: id, at: monotonicClock.now)?.signs else { continue }
      illnesses[id] = illness(by: signs)
    }
    return illnesses
  }

  private func illness(by signs: VitalSigns) -> String? {
    if let healthLook { return healthLook.illness(by: signs) }
    let health = SessionHealth(signs, by: settings.healthThresholds)
    return health.status == .unhealthy ? health.reasons.joined(separator: ", ") : nil
  }

  private func lookAtHealth(of id: SessionID, at now: ContinuousClock.Instant) throws(StorageFailure) {
    // It may have finished or gone since the look began.
    guard let (signs, last) = try vitalSigns(of: id, at: now), !signs.status.isFinal else { return }
    try note(SessionHealth(signs, by: settings.healthThresholds).status, was: last, of: id)
    // What was processed leaves the window by itself.
    if signs.rates.processed > 0 { healthAgenda.note(id) }
  }

  /// Keeps how well a session is, and makes an event of it, if that is not how it was at the last look.
  private func note(_ status: HealthStatus, was last: HealthStatus, of id: SessionID) throws(StorageFailure) {
    guard status != last, let session = try find(id) else { return }
    var row = try MetricsRow.find(id, in: database)
    row.health = status
    try row.save(id, in: database)
    _ = nextTime()
    var editor = SessionEditor(session, at: state.totals.time, after: state.totals.sequence)
    editor.noteHealth(status, was: last)
    try append(editor.events)
  }

  /// What a session's health is judged by, and how well it was at the last look; nil when there is none.
  private func vitalSigns(
    of id: SessionID, at now: ContinuousClock.Instant
  ) throws(StorageFailure) -> (signs: VitalSigns, last: HealthStatus)? {
    let time = max(state.totals.time, clockTime)
    guard var found = try SessionLookup.vitalSigns(of: id, at: time, in: database) else { return nil }
    let status = found.signs.status
    found.signs.timeout = Inactivity.timeout(in: status, found.signs.constraints, orElse: settings.sessionTimeout)
    if let time = latestActivity(of: id) {
      found.signs.lastActivityTime = max(found.signs.lastActivityTime, time)
    }
    if let report = meters.lastReport(of: id) { timers.noteActivity(id, at: report.instant) }
    // Who moved or was active in this batch is not without activity, of which the timers hear after the commit.
    let since = isActiveInBatch(id) ? nil : timers.since(of: id, in: status)
    found.signs.idleTime = since.map { max(.zero, $0.duration(to: now)) }
    if let known = meters.rates(of: id, at: now) {
      found.signs.rates = known.rates
      found.signs.usage = known.usage ?? found.signs.usage
    }
    found.signs.queuedMessages = Int64(try queues.pendingCount(of: id, by: self))
    return found
  }
}

// MARK: To whom a look comes

extension Writer {
  /// Follows a commit: whose health it may have changed.
  func followHealth(_ batch: Changes, _ commit: Commit?, queues: [SessionID]) {
    healthAgenda.note(batch.activity.map(\.id))
    healthAgenda.note(queues)
    for session in commit?.sessions ?? [] {
      if session.status.isFinal { healthAgenda.forget(session.id) } else { healthAgenda.note(session.id) }
    }
    for id in batch.deleted { healthAgenda.forget(id) }
  }

  /// Tells whose health may be another than when it was last looked at, before this run of the server.
  static func healthAgenda(
    _ database: Database, _ bus: MessageBus, _ meters: Meters, settings: SessionStoreSettings,
    at now: ContinuousClock.Instant
  ) throws(StorageFailure) -> HealthAgenda {
    var agenda = HealthAgenda(isKept: settings.enableHealthChecks, deadline: now + settings.healthCheckInterval)
    guard settings.enableHealthChecks else { return agenda }
    // Who was not well has a row, as who reported has one. All others are well, unless they failed or have messages:
    // times begin afresh.
    try SessionLookup.eachID("SELECT session_id FROM session_metrics", in: database) { id in
      if meters.isUnfinished(id) { agenda.note(id) }
    }
    try SessionLookup.eachID(StatusLookup.all(where: { $0 == .error }, "id"), in: database) { agenda.note($0) }
    agenda.note(bus.queueOwners)
    return agenda
  }
}
