import SessionDomain
import Testing

extension RepositoryOptions {
  fileprivate static func timeout(_ duration: Duration) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.sessionTimeout = duration
    return options
  }
}

extension RepositoryFixture {
  fileprivate func status(_ id: SessionID) async throws -> SessionStatus {
    try await repository.session(id).status
  }
}

let inactivityCases = [
  ConformanceCase("An active session without activity becomes idle, then terminated") { (fixture) async throws in
    let session = try await fixture.repository.bootstrap(BootstrapDraft(session: .named("a")), request: nil)
    try await fixture.pass(.milliseconds(299_999))
    #expect(try await fixture.status(session.id) == .active)
    try await fixture.pass(.milliseconds(1))
    let idle = try await fixture.repository.session(session.id)
    #expect(idle.status == .idle && idle.statusReason == "inactivity timeout")
    #expect(idle.lastActivityTime == session.lastActivityTime)
    try await fixture.pass(.milliseconds(299_999))
    #expect(try await fixture.status(session.id) == .idle)
    try await fixture.pass(.milliseconds(1))
    let ended = try await fixture.repository.session(session.id)
    #expect(ended.status == .terminated && ended.statusReason == "inactivity timeout" && ended.registration == nil)
    let events = try await fixture.repository.history(after: session.revision)
    #expect(events.map(\.kind) == [.statusChanged, .statusChanged, .terminated, .deregistered])
    #expect(events.allSatisfy { $0.reason == "inactivity timeout" })
    #expect(events.map(\.newStatus) == [.idle, .terminated, .terminated, .terminated])
    try await fixture.pass(.seconds(3600))
    #expect(try await fixture.repository.session(session.id) == ended)
  },
  ConformanceCase("A session that does not start in time fails, whatever else it does") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    try await fixture.pass(.seconds(200))
    _ = try await fixture.repository.update(session.id, .rename("b"), expectedRevision: nil)
    _ = try await fixture.repository.initialize(session.id, ResourceDraft(memory: "1"))
    try await fixture.pass(.milliseconds(99_999))
    #expect(try await fixture.status(session.id) == .initializing)
    try await fixture.pass(.milliseconds(1))
    let failed = try await fixture.repository.session(session.id)
    #expect(failed.status == .error && failed.statusReason == "inactivity timeout")
    let events = try await fixture.repository.history(after: 3)
    #expect(events.map(\.kind) == [.statusChanged, .error] && events.last?.error == "inactivity timeout")
    // What has failed waits to be looked at.
    try await fixture.pass(.seconds(3600))
    #expect(try await fixture.repository.session(session.id) == failed)
  },
  ConformanceCase("Updating, starting and migrating are activity; reading and what others do are not") {
    (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active)
    let activities: [@Sendable () async throws -> Session] = [
      { try await repository.update(session.id, .rename("b"), expectedRevision: nil) },
      { try await repository.update(session.id, .rename("b"), expectedRevision: nil) },
      { try await repository.start(session.id) },
      { try await repository.migrate(session.id, Migration(workspace: "/new", preservesState: true)) },
      { try await repository.migrate(session.id, Migration(workspace: "/new", preservesState: true)) },
    ]
    for activity in activities {
      try await fixture.pass(.seconds(299))
      #expect(try await activity().status == .active)
    }
    try await fixture.pass(.seconds(299))
    let child = try await repository.create("child") { $0.parentID = session.id.description }
    _ = try await repository.clone(session.id, CloneDraft())
    _ = try await repository.search("b", limit: 1)
    let snapshot = try await repository.openSnapshot(EventFilter())
    _ = try await snapshot.next()
    await snapshot.close()
    _ = try await repository.delete(child.id, force: true, allowMissing: false, expectedRevision: nil)
    #expect(try await fixture.status(session.id) == .active)
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.status(session.id) == .idle)
  },
  ConformanceCase("What is told of another session is no activity of one's own") { (fixture) async throws in
    let repository = fixture.repository
    let parent = try await repository.create(in: .completed, "parent")
    let child = try await repository.create(in: .active, "child", under: parent.id)
    try await fixture.pass(.seconds(299))
    // An event of the child.
    _ = try await repository.delete(parent.id, force: true, allowMissing: false, expectedRevision: nil)
    #expect(try await repository.session(child.id).revision > child.revision)
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.status(child.id) == .idle)
  },
  ConformanceCase("Activity that is committed with the end of the time comes first") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.clock.advance(by: .seconds(300))
    fixture.monotonicClock.advance(by: .seconds(300))
    _ = try await fixture.repository.update(session.id, .rename("b"), expectedRevision: nil)
    try await fixture.pass(.milliseconds(299_999))
    #expect(try await fixture.status(session.id) == .active)
    try await fixture.pass(.milliseconds(1))
    #expect(try await fixture.status(session.id) == .idle)
  },
  ConformanceCase("An idle session that becomes active has all its time again") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    try await fixture.pass(.seconds(300))
    try await fixture.pass(.seconds(299))
    _ = try await fixture.repository.start(session.id)
    try await fixture.pass(.seconds(299))
    #expect(try await fixture.status(session.id) == .active)
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.status(session.id) == .idle)
  },
  ConformanceCase("A constraint has a session's own time, also when it is changed") { (fixture) async throws in
    let repository = fixture.repository
    let quick = try await repository.create(in: .active, "quick") { $0.constraints = ["timeout:1000"] }
    let slow = try await repository.create(in: .active, "slow") { $0.constraints = ["timeout:600000"] }
    let never = try await repository.create(in: .active, "never") { $0.constraints = ["timeout:0"] }
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.status(quick.id) == .idle)
    try await fixture.pass(.seconds(598))
    #expect(try await fixture.status(slow.id) == .active)
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.status(slow.id) == .idle)
    #expect(try await fixture.status(never.id) == .active)
    let change = SessionChange.of("constraints") { $0.constraints = ["timeout:2000"] }
    _ = try await repository.update(never.id, change, expectedRevision: nil)
    try await fixture.pass(.milliseconds(1999))
    #expect(try await fixture.status(never.id) == .active)
    try await fixture.pass(.milliseconds(1))
    #expect(try await fixture.status(never.id) == .idle)
    let off = SessionChange.of("constraints") { $0.constraints = ["timeout:0"] }
    _ = try await repository.update(never.id, off, expectedRevision: nil)
    try await fixture.pass(.seconds(1_000_000))
    #expect(try await fixture.status(never.id) == .idle)
  },
  ConformanceCase("A shorter time counts from when the session was made, while it is initializing") {
    (fixture) async throws in
    let session = try await fixture.repository.create("a")
    try await fixture.pass(.seconds(10))
    let change = SessionChange.of("constraints") { $0.constraints = ["timeout:12000"] }
    _ = try await fixture.repository.update(session.id, change, expectedRevision: nil)
    try await fixture.pass(.milliseconds(1999))
    #expect(try await fixture.status(session.id) == .initializing)
    try await fixture.pass(.milliseconds(1))
    #expect(try await fixture.status(session.id) == .error)
  },
  ConformanceCase("Without a timeout sessions stay, but for those with one of their own", options: .timeout(.zero)) {
    (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    let own = try await fixture.repository.create(in: .active) { $0.constraints = ["timeout:5"] }
    try await fixture.pass(.seconds(1_000_000))
    #expect(try await fixture.status(session.id) == .active)
    #expect(try await fixture.status(own.id) == .idle)
  },
  ConformanceCase("A clone has a time of its own, and a finished or deleted session none") { (fixture) async throws in
    let repository = fixture.repository
    let source = try await repository.create(in: .active)
    let gone = try await repository.create(in: .active)
    let done = try await repository.create(in: .active)
    try await fixture.pass(.seconds(100))
    _ = try await repository.delete(gone.id, force: true, allowMissing: false, expectedRevision: nil)
    try await repository.move(done.id, to: .completed)
    let clone = try await repository.clone(source.id, CloneDraft())
    let newest = try await repository.sequences().newest
    try await fixture.pass(.seconds(200))
    let events = try await repository.history(after: newest)
    #expect(events.map(\.sessionID) == [source.id])
    try await fixture.pass(.seconds(100))
    #expect(try await fixture.status(clone.id) == .idle)
    #expect(try await fixture.status(done.id) == .completed)
  },
  ConformanceCase("A wall clock that is set does not matter to timeouts") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.clock.advance(by: .seconds(86_400))
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.status(session.id) == .active)
    fixture.clock.advance(by: .seconds(-86_400 * 2))
    try await fixture.pass(.seconds(299))
    #expect(try await fixture.status(session.id) == .idle)
  },
  ConformanceCase("Many sessions whose time is over at once all move", options: .maxSessions(1000)) {
    (fixture) async throws in
    let repository = fixture.repository
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<700 { group.addTask { _ = try await repository.create("s\(number)") } }
      try await group.waitForAll()
    }
    // Each look moves a bounded number of them.
    try await fixture.pass(.seconds(300))
    for _ in 0..<10 { try await fixture.pass(.zero) }
    let failed = SessionQuery.with(statuses: [.error])
    #expect(try await repository.list(failed).totalSize == 700)
  },
]

extension SessionQuery {
  fileprivate static func with(statuses: [SessionStatus]) -> SessionQuery {
    var query = SessionQuery()
    query.statuses = statuses
    query.includeTotal = true
    return query
  }
}
