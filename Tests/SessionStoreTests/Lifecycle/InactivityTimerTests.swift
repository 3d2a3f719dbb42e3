import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

private func id(_ number: Int) -> SessionID { SessionID(high: UInt64(number), low: 0) }

/// The timers by themselves.
@Suite struct InactivityTimerTests {
  private let start = ContinuousClock.now

  @Test func `A time is over at its end, and not before`() {
    var timers = InactivityTimers(timeout: .seconds(10))
    #expect(timers.nextDeadline() == nil)
    timers.follow(id(1), .active, [], wasActive: false, at: start)
    timers.follow(id(2), .active, ["timeout:3000"], wasActive: false, at: start)
    #expect(timers.nextDeadline() == start + .seconds(3))
    #expect(timers.take(at: start + .milliseconds(2999), max: 9) == [])
    #expect(timers.take(at: start + .seconds(3), max: 9) == [id(2)])
    #expect(timers.nextDeadline() == start + .seconds(10))
  }

  @Test func `A time that a session gets later began when it was made`() {
    var timers = InactivityTimers(timeout: .zero)
    timers.follow(id(1), .initializing, [], wasActive: false, at: start)
    timers.follow(id(2), .initializing, ["timeout:9000"], wasActive: false, at: start)
    timers.follow(id(2), .initializing, [], wasActive: true, at: start + .seconds(1))
    #expect(timers.nextDeadline() == nil)
    for number in 1...2 {
      timers.follow(id(number), .initializing, ["timeout:5000"], wasActive: true, at: start + .seconds(2))
    }
    #expect(timers.take(at: start + .seconds(5), max: 9) == [id(1), id(2)])
  }

  @Test func `What is taken and given back is taken again`() {
    var timers = InactivityTimers(timeout: .seconds(10))
    for number in 1...5 { timers.follow(id(number), .active, [], wasActive: false, at: start) }
    let end = start + .seconds(10)
    #expect(timers.take(at: end, max: 3) == [id(1), id(2), id(3)])
    // The first has moved on, the second is gone, and for the third nothing came of it.
    timers.follow(id(1), .idle, [], wasActive: false, at: end)
    timers.remove(id(2))
    timers.giveBack()
    #expect(timers.take(at: end, max: 9) == [id(3), id(4), id(5)])
    timers.giveBack()
    for number in 3...5 { timers.remove(id(number)) }
    #expect(timers.nextDeadline() == end + .seconds(10))
  }

  @Test func `Activity costs no place in the heaps, and sessions that are gone leave them`() {
    var timers = InactivityTimers(timeout: .seconds(10), parts: [0.5])
    for number in 0..<1000 { timers.follow(id(number), .active, [], wasActive: false, at: start) }
    for round in 1...50 {
      for number in 0..<1000 {
        timers.follow(id(number), .active, [], wasActive: true, at: start + .milliseconds(round))
      }
    }
    #expect(timers.placesCount == 2000)
    #expect(timers.nextDeadline() == start + .milliseconds(10_050))
    for number in 1000..<100_000 {
      timers.follow(id(number), .active, [], wasActive: false, at: start)
      timers.remove(id(number))
    }
    #expect(timers.placesCount <= 4128)
    // Shorter times want places of their own.
    for round in 1...50 {
      for number in 0..<1000 {
        timers.follow(id(number), .active, ["timeout:\(9000 - round)"], wasActive: false, at: start)
      }
    }
    #expect(timers.placesCount <= 4128)
    for number in 0..<1000 { timers.remove(id(number)) }
    #expect(timers.placesCount <= 128 && timers.nextDeadline() == nil)
  }

  @Test func `An active session is told once for each part of its time that it was without activity`() {
    var timers = InactivityTimers(timeout: .seconds(10), parts: [0.5, 0.2, 1])
    timers.follow(id(1), .active, [], wasActive: false, at: start)
    timers.follow(id(2), .idle, [], wasActive: false, at: start)
    timers.follow(id(3), .active, ["timeout:0"], wasActive: false, at: start)
    func idle(_ milliseconds: Int) -> [SessionID] {
      let (ids, hasMore) = timers.takeIdle(at: start + .milliseconds(milliseconds), max: 9)
      #expect(!hasMore)
      return ids
    }
    #expect(idle(2000) == [])
    #expect(idle(2001) == [id(1)])
    #expect(idle(5000) == [])
    #expect(idle(5001) == [id(1)])
    #expect(idle(10_001) == [])
    timers.noteActivity(id(1), at: start + .seconds(4))
    #expect(idle(6000) == [])
    #expect(idle(6001) == [id(1)])
    timers.follow(id(2), .active, [], wasActive: true, at: start + .seconds(7))
    #expect(idle(9001) == [id(1), id(2)])
  }

  @Test func `Who is without activity for part of the time is told in pieces`() {
    var timers = InactivityTimers(timeout: .seconds(10), parts: [0.5])
    for number in 0..<10 { timers.follow(id(number), .active, [], wasActive: false, at: start) }
    // Not told otherwise: it was active all the time.
    let now = start + .seconds(6)
    let first = timers.takeIdle(at: now, max: 6) { $0 == id(3) ? now : nil }
    #expect(first.ids == [0, 1, 2, 4, 5].map(id) && first.hasMore)
    let rest = timers.takeIdle(at: now, max: 6)
    #expect(rest.ids == [6, 7, 8, 9].map(id) && !rest.hasMore)
    #expect(timers.takeIdle(at: now + .seconds(6), max: 6).ids == [id(3)])
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func `Of many sessions the timers know as a plain list does`(seed: UInt64) {
    var timers = InactivityTimers(timeout: .seconds(100), parts: [0.5])
    var deadlines: [SessionID: ContinuousClock.Instant] = [:]
    // When half of the time is over, of those who were not told then.
    var halves: [SessionID: ContinuousClock.Instant] = [:]
    var randomness = SeededGenerator(state: seed)
    var now = start
    for number in 0..<10_000 {
      now += .milliseconds(Int.random(in: 0..<50, using: &randomness))
      let session = id(Int.random(in: 0..<300, using: &randomness))
      switch Int.random(in: 0..<10, using: &randomness) {
      case 0:
        timers.remove(session)
        deadlines[session] = nil
        halves[session] = nil
      case 1:
        timers.follow(session, .active, ["timeout:0"], wasActive: true, at: now)
        deadlines[session] = nil
        halves[session] = nil
      case 2...4:
        let milliseconds = Int.random(in: 1..<5000, using: &randomness)
        timers.follow(session, .active, ["timeout:\(milliseconds)"], wasActive: true, at: now)
        deadlines[session] = now + .milliseconds(milliseconds)
        halves[session] = now + .microseconds(500 * milliseconds)
      default:
        timers.follow(session, .active, [], wasActive: true, at: now)
        deadlines[session] = now + .seconds(100)
        halves[session] = now + .seconds(50)
      }
      if number.isMultiple(of: 7) {
        let idle = halves.filter { $0.value < now }.keys.sorted()
        #expect(timers.takeIdle(at: now, max: 1000).ids.sorted() == idle)
        for session in idle { halves[session] = nil }
      }
      if now >= deadlines.values.min() ?? now + .seconds(1) {
        let over = deadlines.filter { $0.value <= now }.keys.sorted()
        #expect(timers.take(at: now, max: 1000).sorted() == over)
        for session in over {
          timers.remove(session)
          deadlines[session] = nil
          halves[session] = nil
        }
        timers.giveBack()
      }
      #expect(timers.nextDeadline() == deadlines.values.min())
    }
  }
}

/// The timers in a store.
@Suite(.timeLimit(.minutes(5))) struct InactivityStoreTests {
  @Test func `A restart starts all times afresh`() async throws {
    let fixture = try StoreFixture()
    let before = try fixture.open()
    let session = try await before.createRegistered("a")
    fixture.monotonicClock.advance(by: .seconds(299))
    await before.close()
    fixture.monotonicClock.advance(by: .seconds(10_000))
    let after = try fixture.open()
    fixture.monotonicClock.advance(by: .milliseconds(299_999))
    _ = try await after.create("b")
    #expect(try await after.session(session.id).status == .active)
    fixture.monotonicClock.advance(by: .milliseconds(1))
    _ = try await after.create("c")
    #expect(try await after.session(session.id).status == .idle)
    #expect(try await after.inconsistencies() == [])
    await after.close()
  }

  @Test func `A time that cannot be kept now is kept with the next change`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.createRegistered("a")
    try await repository.onCommitter { (writer) throws(StorageFailure) in
      try writer.database.execute(
        "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'refused'); END")
    }
    fixture.monotonicClock.advance(by: .seconds(300))
    _ = try await repository.create("b")
    #expect(try await repository.session(session.id) == session)
    try await repository.onCommitter { (writer) throws(StorageFailure) in
      try writer.database.execute("DROP TRIGGER refuse")
    }
    #expect(try await repository.session(session.id).status == .idle)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `Without any change the store looks at its clock by itself, and moves all in batches`() async throws {
    let fixture = try StoreFixture()
    let commits = CommitRecorder()
    var settings = SessionStoreSettings(path: fixture.path)
    settings.maxSessions = 10_000
    settings.sessionTimeout = .milliseconds(300)
    let repository = try SQLiteSessionRepository(
      settings: settings, clock: fixture.clock, idGenerator: MonotonicIDGenerator(clock: fixture.clock),
      observer: commits)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<2000 { group.addTask { _ = try await repository.create("s\(number)") } }
      try await group.waitForAll()
    }
    try await commits.wait { $0.filter { $0.kind == .error }.count == 2000 }
    #expect(commits.all.allSatisfy { commit in commit.events.filter { $0.kind == .error }.count <= 256 })
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }
}

extension CommitRecorder {
  /// Returns once the events are as wanted.
  fileprivate func wait(until isThere: ([SessionEvent]) -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while !isThere(events) {
      guard ContinuousClock.now < deadline else { throw DeadlinePassed() }
      await Task.yield()
    }
  }
}
