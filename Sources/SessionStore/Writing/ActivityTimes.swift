import SessionDomain
import Synchronization

/// When sessions were active whose rows do not tell yet: messages come and go too often for a row to change each time.
///
/// A reader that asks here before it reads a row, and takes the later time, is never behind: what was committed is here
/// until the row has it.
final class ActivityTimes: Sendable {
  private let times = Mutex<[SessionID: Timestamp]>([:])

  var isEmpty: Bool { times.withLock { $0.isEmpty } }

  subscript(id: SessionID) -> Timestamp? { times.withLock { $0[id] } }

  func note(_ activity: [(id: SessionID, time: Timestamp)]) {
    times.withLock { times in
      for (id, time) in activity { times[id] = max(times[id] ?? time, time) }
    }
  }

  /// Forgets what a row tells, unless there was activity since.
  func forget(_ id: SessionID, upTo time: Timestamp) {
    times.withLock { times in
      if let last = times[id], last <= time { times[id] = nil }
    }
  }

  func forget(_ id: SessionID) {
    times.withLock { _ = $0.removeValue(forKey: id) }
  }

  /// The sessions.
  var ids: [SessionID] { times.withLock { Array($0.keys) } }

  /// Some of the times, as many as `max`.
  func some(_ max: Int) -> [(id: SessionID, time: Timestamp)] {
    times.withLock { $0.prefix(max).map { ($0.key, $0.value) } }
  }
}

/// Activity that is no change of a session.
extension Writer {
  /// The most rows that one commit changes for it, and for reports, beside what it was asked for, so that no caller
  /// waits long. Each changes its places in the indexes of metadata, too.
  static func keptActivityMax(_ settings: SessionStoreSettings) -> Int { 1024 / (1 + settings.metadataIndexes.count) }

  /// Notes that a session was active.
  func noteActivity(of id: SessionID) {
    staged.active.append(id)
    staged.activity.append((id, nextTime()))
  }

  /// When a session was active, as far as its row does not tell yet.
  func latestActivity(of id: SessionID) -> Timestamp? {
    Self.latest(activityTimes[id], meters.lastReport(of: id)?.time)
  }

  /// The later of two times, of which there may be none.
  static func latest(_ first: Timestamp?, _ second: Timestamp?) -> Timestamp? {
    guard let first, let second else { return first ?? second }
    return max(first, second)
  }

  /// How long until activity goes to the file; zero when it is time, nil when there is none.
  var timeToKeepActivity: Duration? {
    guard let activityDeadline else { return nil }
    return max(.zero, monotonicClock.now.duration(to: activityDeadline))
  }

  /// Writes down when some sessions were active.
  func keepActivity(max: Int) throws(StorageFailure) {
    for (id, time) in activityTimes.some(max) { try keepActivity(of: id, at: time) }
  }

  /// Writes down when these sessions were active, as far as their rows do not tell.
  func keepActivity(of ids: some Sequence<SessionID>) throws(StorageFailure) {
    for id in ids {
      if let time = activityTimes[id] { try keepActivity(of: id, at: time) }
    }
  }

  private func keepActivity(of id: SessionID, at time: Timestamp) throws(StorageFailure) {
    statements.noteActivity.bind(time)
    statements.noteActivity.bind(id)
    try statements.noteActivity.run()
    staged.kept.append((id, time))
  }

  /// Follows a commit: what was active without having changed.
  func followActivity(_ batch: Changes) -> [SessionID] {
    for session in batch.sessions { activityTimes.forget(session.id, upTo: session.lastActivityTime) }
    for (id, time) in batch.kept { activityTimes.forget(id, upTo: time) }
    let now = monotonicClock.now
    var active: [SessionID] = []
    if !batch.activity.isEmpty {
      activityTimes.note(batch.activity)
      for (id, _) in batch.activity {
        timers.noteActivity(id, at: now)
        active.append(id)
      }
    }
    for id in batch.deleted { activityTimes.forget(id) }
    if activityTimes.isEmpty {
      activityDeadline = nil
    } else if activityDeadline == nil || !batch.kept.isEmpty {
      // What is left after some were kept goes at once.
      activityDeadline = batch.kept.isEmpty ? now + settings.metricsInterval : now
    }
    return active
  }
}
