import DequeModule
import SessionDomain
import Synchronization

/// What sessions report, in memory: reports come far too often for a row to change each time.
///
/// Knows every session in no final status, as of the last commit, so that a report of any other is not taken. What is
/// to go to the file waits in line here; a session waits once, however often it reports.
final class Meters: Sendable {
  /// What the file does not have yet of a session.
  struct Pending: Hashable {
    var tasks: Int64
    var usage: ResourceUsage
    var time: Timestamp
  }

  /// What memory knows of a session that reported.
  struct Reading {
    /// Nil when it reported nothing in this run but messages were processed.
    var usage: ResourceUsage?
    var window: MetricsWindow
  }

  private struct Meter {
    /// Tasks that the file does not have.
    var pending: Int64 = 0
    var isPending = false
    var usage: ResourceUsage?
    var window = MetricsWindow()
    var lastReport: ContinuousClock.Instant
    var lastReportTime: Timestamp
    /// Whether its session is in a final status.
    var isFinal = false
    /// Whether it is among those that have something new for a look at health.
    var isReported = false
  }

  private struct Shard {
    var unfinished: Set<SessionID> = []
    var meters: [SessionID: Meter] = [:]
    /// Those that have something new for a look at health.
    var reported: Set<SessionID> = []

    mutating func remove(_ id: SessionID) -> Meter? {
      unfinished.remove(id)
      reported.remove(id)
      return meters.removeValue(forKey: id)
    }
  }

  private final class ShardBox: Sendable {
    let state = Mutex(Shard())
  }

  private struct Line {
    var ids = Deque<SessionID>()
    /// When the first of them began to wait.
    var since: ContinuousClock.Instant?
    /// How often what was taken out of it did not get into the file.
    var failures = 0
    /// Finished sessions that have a meter, and when they finished.
    var finished = Deque<(id: SessionID, time: ContinuousClock.Instant)>()
  }

  private let windowLength: Duration
  private let recordsMetrics: Bool
  private let enableHealthChecks: Bool
  private let beginning: ContinuousClock.Instant
  private let shards = (0..<partsCount).map { _ in ShardBox() }
  // Taken while a shard is, and never the other way round.
  private let line = Mutex(Line())

  /// Without `recordsMetrics`, reports are taken for activity and usage alone.
  init(_ settings: SessionStoreSettings, at now: ContinuousClock.Instant) {
    windowLength = settings.metricsWindow
    recordsMetrics = settings.recordsMetrics
    enableHealthChecks = settings.enableHealthChecks
    beginning = now
  }

  /// How many parts the sessions are kept in.
  static let partsCount = 16

  /// The part that a session is kept in. The low bits of a UUIDv7 are random.
  static func part(of id: SessionID) -> Int { Int(truncatingIfNeeded: id.low % UInt64(partsCount)) }

  private func shard(_ id: SessionID) -> ShardBox { shards[Self.part(of: id)] }

  /// Where in the window's count of time an instant is.
  func position(of instant: ContinuousClock.Instant) -> Duration { beginning.duration(to: instant) }
}

// MARK: Reports

extension Meters {
  /// Takes a report without flaw; false when its session is not there or has finished.
  func take(_ report: ActivityReport, at now: ContinuousClock.Instant, _ time: Timestamp) -> Bool {
    let usage = ResourceUsage(memoryBytes: report.memoryUsageBytes, cpu: report.cpuUsage)
    // Before others wait for the meter: a report may have very many.
    let times = ResponseTimes(report.responseTimes)
    return note(report.sessionID, at: now, time, isForFile: true) { meter in
      meter.usage = usage
      if recordsMetrics { meter.pending = meter.pending.addingSaturating(report.tasksProcessed) }
      guard recordsMetrics, report.tasksProcessed > 0 else { return }
      meter.window.add(
        processed: report.tasksProcessed, failed: report.tasksFailed, responseTimes: times,
        at: position(of: now), of: windowLength)
    }
  }

  /// Takes messages that a session has acknowledged, which the file has counted.
  func takeMessages(
    of id: SessionID, failed: Bool, responseTimes: [Duration], at now: ContinuousClock.Instant, _ time: Timestamp
  ) {
    let count = Int64(responseTimes.count)
    let times = ResponseTimes(responseTimes.map { $0 / .milliseconds(1) })
    // A session that has finished meanwhile has no meter, and needs none.
    _ = note(id, at: now, time, isForFile: false) { meter in
      meter.window.add(
        processed: count, failed: failed ? count : 0, responseTimes: times, at: position(of: now), of: windowLength)
    }
  }

  private func note(
    _ id: SessionID, at now: ContinuousClock.Instant, _ time: Timestamp, isForFile: Bool,
    _ change: (inout Meter) -> Void
  ) -> Bool {
    shard(id).state.withLock { shard in
      if shard.meters.index(forKey: id) == nil {
        guard shard.unfinished.contains(id) else { return false }
        shard.meters[id] = Meter(lastReport: now, lastReportTime: time)
      }
      guard let index = shard.meters.index(forKey: id), !shard.meters.values[index].isFinal else { return false }
      shard.meters.values[index].lastReport = max(shard.meters.values[index].lastReport, now)
      shard.meters.values[index].lastReportTime = max(shard.meters.values[index].lastReportTime, time)
      change(&shard.meters.values[index])
      if enableHealthChecks, !shard.meters.values[index].isReported {
        shard.meters.values[index].isReported = true
        shard.reported.insert(id)
      }
      if isForFile, !shard.meters.values[index].isPending {
        shard.meters.values[index].isPending = true
        waitInLine(id, since: now)
      }
      return true
    }
  }

  private func waitInLine(_ id: SessionID, since now: ContinuousClock.Instant) {
    line.withLock { line in
      line.ids.append(id)
      line.since = line.since ?? now
    }
  }

  /// What is known of a session in memory; nil when it did not report.
  func reading(of id: SessionID) -> Reading? {
    shard(id).state.withLock { shard in
      shard.meters[id].map { Reading(usage: $0.usage, window: $0.window) }
    }
  }

  /// What a session processed in the window that ends now, and what it uses; nil when it did not report.
  func rates(of id: SessionID, at now: ContinuousClock.Instant) -> (rates: ProcessingRates, usage: ResourceUsage?)? {
    shard(id).state.withLock { shard in
      guard let index = shard.meters.index(forKey: id) else { return nil }
      // Whoever reported once and no more shall not take memory for ever.
      shard.meters.values[index].window.trim(at: position(of: now), of: windowLength)
      let rates = shard.meters.values[index].window.rates(at: position(of: now), of: windowLength)
      return (rates, shard.meters.values[index].usage)
    }
  }

  /// When a session reported last; nil when it did not.
  func lastReport(of id: SessionID) -> (instant: ContinuousClock.Instant, time: Timestamp)? {
    shard(id).state.withLock { shard in shard.meters[id].map { ($0.lastReport, $0.lastReportTime) } }
  }
}

// MARK: The way to the file

extension Meters {
  /// Since when the first waits that is to go to the file; nil when none does.
  var waitingSince: ContinuousClock.Instant? { line.withLock { $0.since } }

  /// How many wait in line, of which some may have gone to the file by themselves; and how often until now what was
  /// taken out of it has come back.
  var waiting: (count: Int, failures: Int) { line.withLock { ($0.ids.count, $0.failures) } }

  /// Takes sessions out of the line, at most `max`.
  func takeWaiting(_ max: Int) -> [SessionID] {
    line.withLock { line in
      let count = min(max, line.ids.count)
      let ids = Array(line.ids.prefix(count))
      line.ids.removeFirst(count)
      // Who is left has waited for long enough.
      if line.ids.isEmpty { line.since = nil }
      return ids
    }
  }

  /// Takes what the file does not have of a session; nil when it has all.
  func takePending(of id: SessionID) -> Pending? {
    shard(id).state.withLock { shard in
      guard let index = shard.meters.index(forKey: id), shard.meters.values[index].isPending else { return nil }
      let meter = shard.meters.values[index]
      shard.meters.values[index].isPending = false
      shard.meters.values[index].pending = 0
      return Pending(
        tasks: meter.pending, usage: meter.usage ?? ResourceUsage(memoryBytes: 0, cpu: 0), time: meter.lastReportTime)
    }
  }

  /// Has sessions wait again that were taken out of the line.
  func putBack(_ ids: some Collection<SessionID>, at now: ContinuousClock.Instant) {
    for id in ids { waitInLine(id, since: now) }
  }

  /// Gives back what did not get into the file.
  func giveBack(_ pending: [(id: SessionID, pending: Pending)], at now: ContinuousClock.Instant) {
    defer { if !pending.isEmpty { line.withLock { $0.failures += 1 } } }
    for (id, pending) in pending {
      shard(id).state.withLock { shard in
        guard let index = shard.meters.index(forKey: id) else { return }
        shard.meters.values[index].pending = shard.meters.values[index].pending.addingSaturating(pending.tasks)
        guard !shard.meters.values[index].isPending else { return }
        shard.meters.values[index].isPending = true
        waitInLine(id, since: now)
      }
    }
  }
}

// MARK: Sessions

extension Meters {
  /// Takes the sessions of one part that have reported, or had messages processed, since they were last taken.
  func takeReported(in part: Int) -> Set<SessionID> {
    shards[part].state.withLock { shard in
      for id in shard.reported {
        if let index = shard.meters.index(forKey: id) { shard.meters.values[index].isReported = false }
      }
      defer { shard.reported = [] }
      return shard.reported
    }
  }

  /// Whether a session is there, in no final status, as of the last commit.
  func isUnfinished(_ id: SessionID) -> Bool { shard(id).state.withLock { $0.unfinished.contains(id) } }

  /// How many sessions have a meter.
  var count: Int { shards.reduce(0) { sum, shard in sum + shard.state.withLock { $0.meters.count } } }

  /// Takes a session as it was committed at `now`.
  func follow(_ id: SessionID, isFinal: Bool, at now: ContinuousClock.Instant) {
    shard(id).state.withLock { shard in
      guard isFinal else {
        shard.unfinished.insert(id)
        return
      }
      guard shard.unfinished.remove(id) != nil, let index = shard.meters.index(forKey: id) else { return }
      shard.meters.values[index].isFinal = true
      shard.reported.remove(id)
      line.withLock { $0.finished.append((id, now)) }
    }
  }

  /// Forgets a session that was deleted; how many tasks of it are not in the file.
  func remove(_ id: SessionID) -> Int64 {
    shard(id).state.withLock { $0.remove(id)?.pending ?? 0 }
  }

  /// Begins a session's window afresh.
  func clearWindow(of id: SessionID) {
    shard(id).state.withLock { shard in
      guard let index = shard.meters.index(forKey: id) else { return }
      shard.meters.values[index].window = MetricsWindow()
    }
  }

  /// Forgets the meters of sessions that finished before the window, and are in the file.
  func sweep(at now: ContinuousClock.Instant) {
    let finished = line.withLock { line in
      var finished: [(id: SessionID, time: ContinuousClock.Instant)] = []
      while let first = line.finished.first, first.time <= now - windowLength {
        finished.append(first)
        line.finished.removeFirst()
      }
      return finished
    }
    for (id, time) in finished {
      shard(id).state.withLock { shard in
        guard let index = shard.meters.index(forKey: id) else { return }
        // It goes when it is in the file.
        if shard.meters.values[index].isPending {
          line.withLock { $0.finished.append((id, time)) }
        } else {
          shard.meters.remove(at: index)
        }
      }
    }
  }
}
