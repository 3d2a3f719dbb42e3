import HeapModule
import SessionDomain

/// When which session will have been without activity for too long. Knows what was committed, and nothing else.
///
/// One heap has a place for every session that has a time, and another one for each active session whose time has parts
/// that are told; since when the others are without activity is known, too, for a time that they get later. Activity
/// only notes when it was: the session's place is looked at when it comes up, and moved then. Times are those of this
/// run, so that a restart never ends sessions.
struct InactivityTimers {
  typealias Instant = ContinuousClock.Instant

  private struct Timer {
    var status: SessionStatus
    /// The last activity, or the move to this status.
    var since: Instant
    /// Nil for ever.
    var timeout: Duration?
    /// The time of its place in the heap; nil while it has none. Other places of the same session do not count.
    var place: Instant?
    /// The same of its place among the marks.
    var mark: Instant?

    var deadline: Instant? { timeout.map { since + $0 } }
  }

  private struct Place: Comparable {
    let time: Instant
    let id: SessionID

    static func < (left: Place, right: Place) -> Bool {
      left.time == right.time ? left.id < right.id : left.time < right.time
    }
  }

  private let timeout: Duration
  private let parts: [Double]
  private var timers: [SessionID: Timer] = [:]
  private var places = Heap<Place>()
  // When active sessions will have been without activity for one of the parts.
  private var marks = Heap<Place>()
  private var taken: [SessionID] = []

  /// Makes timers for sessions without a `timeout:MS` of their own, which tell, too, when active sessions have been
  /// without activity for more than `parts` of it.
  init(timeout: Duration, parts: [Double] = []) {
    self.timeout = timeout
    // At the end of its time a session is active no more.
    self.parts = parts.filter { $0 < 1 }.sorted()
  }

  /// Places in the heaps, those that do not count among them.
  var placesCount: Int { places.count + marks.count }

  /// Takes a session as it was committed at `now`.
  mutating func follow(
    _ id: SessionID, _ status: SessionStatus, _ constraints: [String], wasActive: Bool, at now: Instant
  ) {
    guard status.isLive else { return remove(id) }
    let timeout = Inactivity.timeout(in: status, constraints, orElse: timeout)
    var timer = timers[id] ?? Timer(status: status, since: now, timeout: timeout)
    // What is initializing is to start, whatever else it does.
    if timer.status != status || wasActive && status != .initializing { timer.since = now }
    timer.status = status
    timer.timeout = timeout
    findPlace(for: id, &timer)
    findMark(for: id, &timer, at: now)
    timers[id] = timer
    forgetOldPlaces()
  }

  /// Notes that a session was active, and is as it was.
  mutating func noteActivity(_ id: SessionID, at now: Instant) {
    guard var timer = timers[id], timer.status != .initializing, timer.since < now else { return }
    timer.since = now
    findMark(for: id, &timer, at: now)
    timers[id] = timer
  }

  /// Since when a session has been without activity in a status; nil when it has no time, or had another status as of
  /// the last commit.
  func since(of id: SessionID, in status: SessionStatus) -> Instant? {
    timers[id].flatMap { $0.status == status ? $0.since : nil }
  }

  /// Forgets a session.
  mutating func remove(_ id: SessionID) {
    if timers.removeValue(forKey: id) != nil { forgetOldPlaces() }
  }

  /// Drops the places of sessions that are gone or have an earlier one, once they are more than half: their time may be
  /// long in coming.
  private mutating func forgetOldPlaces() {
    guard max(places.count, marks.count) > 2 * timers.count + 64 else { return }
    places = Heap()
    marks = Heap()
    for id in Array(timers.keys) {
      guard var timer = timers[id] else { continue }
      timer.place = nil
      findPlace(for: id, &timer)
      if let mark = timer.mark { marks.insert(Place(time: mark, id: id)) }
      timers[id] = timer
    }
  }

  /// When the next time is over; nil when no session has one. `lastActivity` tells of activity that was not noted.
  mutating func nextDeadline(_ lastActivity: (SessionID) -> Instant? = { _ in nil }) -> Instant? {
    while let first = places.min {
      if let time = lastActivity(first.id) { noteActivity(first.id, at: time) }
      guard var timer = timers[first.id], timer.place == first.time else {
        places.removeMin()
        continue
      }
      if let deadline = timer.deadline, deadline <= first.time { return first.time }
      places.removeMin()
      timer.place = nil
      findPlace(for: first.id, &timer)
      timers[first.id] = timer
    }
    return nil
  }

  /// Takes sessions whose time is over, at most `max`, until they are given back: those first whose time was over
  /// first.
  mutating func take(
    at now: Instant, max: Int, _ lastActivity: (SessionID) -> Instant? = { _ in nil }
  ) -> [SessionID] {
    while taken.count < max, let deadline = nextDeadline(lastActivity), deadline <= now, let first = places.popMin() {
      timers[first.id]?.place = nil
      taken.append(first.id)
    }
    return taken
  }

  /// Whether the time of a session is over, as it stands in the transaction; `wasActive` tells what that knows more.
  func isOver(_ session: Session, wasActive: Bool, at now: Instant) -> Bool {
    guard let timer = timers[session.id], timer.status == session.status,
      !wasActive || session.status == .initializing,
      let timeout = Inactivity.timeout(in: session.status, session.constraints, orElse: timeout)
    else { return false }
    return timer.since + timeout <= now
  }

  /// Gives back what was taken, for which committing or not made no difference.
  mutating func giveBack() {
    for id in taken {
      guard var timer = timers[id] else { continue }
      findPlace(for: id, &timer)
      timers[id] = timer
    }
    taken = []
  }

  /// Takes active sessions that have been without activity for more than a part of their time, each once for each part
  /// unless it is active again, and whether there are more. Looks at `max` of them at most.
  mutating func takeIdle(
    at now: Instant, max: Int, _ lastActivity: (SessionID) -> Instant? = { _ in nil }
  ) -> (ids: [SessionID], hasMore: Bool) {
    var ids: [SessionID] = []
    for _ in 0..<max {
      guard let first = marks.min, first.time < now else { return (ids, false) }
      marks.removeMin()
      guard timers[first.id]?.mark == first.time else { continue }
      timers[first.id]?.mark = nil
      if let time = lastActivity(first.id) { noteActivity(first.id, at: time) }
      guard var timer = timers[first.id] else { continue }
      if isIdle(timer, at: now) { ids.append(first.id) }
      findMark(for: first.id, &timer, at: now)
      timers[first.id] = timer
    }
    return (ids, true)
  }

  private func isIdle(_ timer: Timer, at now: Instant) -> Bool {
    guard timer.status == .active, let timeout = timer.timeout, let part = parts.first else { return false }
    return timer.since.duration(to: now) / timeout > part
  }

  private mutating func findMark(for id: SessionID, _ timer: inout Timer, at now: Instant) {
    guard timer.status == .active, let timeout = timer.timeout else { return }
    let idleTime = timer.since.duration(to: now)
    guard let part = parts.first(where: { idleTime / timeout <= $0 }) else { return }
    let time = max(timer.since + timeout * part, now)
    if let mark = timer.mark, mark <= time { return }
    timer.mark = time
    marks.insert(Place(time: time, id: id))
  }

  private mutating func findPlace(for id: SessionID, _ timer: inout Timer) {
    guard let deadline = timer.deadline else { return }
    if let place = timer.place, place <= deadline { return }
    timer.place = deadline
    places.insert(Place(time: deadline, id: id))
  }
}
