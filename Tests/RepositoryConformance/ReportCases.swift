import SessionDomain
import Testing

extension RepositoryOptions {
  fileprivate static func withoutMetrics() -> RepositoryOptions {
    var options = RepositoryOptions()
    options.recordsMetrics = false
    return options
  }
}

let reportCases = [
  ConformanceCase("A report keeps a session from becoming idle, and an idle one from ending") {
    (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active)
    for _ in 0..<3 {
      try await fixture.pass(.seconds(299))
      fixture.report(session.id, tasks: 0)
    }
    try await fixture.pass(.milliseconds(299_999))
    #expect(try await repository.session(session.id).status == .active)
    try await fixture.pass(.milliseconds(1))
    #expect(try await repository.session(session.id).status == .idle)
    try await fixture.pass(.seconds(299))
    fixture.report(session.id, tasks: 0)
    try await fixture.pass(.seconds(299))
    // Still idle: only work that is given to it makes it active.
    #expect(try await repository.session(session.id).status == .idle)
    try await fixture.pass(.seconds(1))
    #expect(try await repository.session(session.id).status == .terminated)
  },
  ConformanceCase("A session that does not start in time fails, although it reports") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    try await fixture.pass(.seconds(299))
    fixture.report(session.id, tasks: 0)
    try await fixture.pass(.seconds(1))
    #expect(try await fixture.repository.session(session.id).status == .error)
  },
  ConformanceCase("Reports are kept each metrics interval, and when they are to be") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active)
    try await fixture.pass(.seconds(5))
    let time = fixture.clock.now()
    fixture.report(session.id, tasks: 1)
    // Whoever asks is told at once.
    #expect(try await repository.session(session.id).lastActivityTime == time)
    try await fixture.pass(.milliseconds(9999))
    #expect(fixture.commits.all.last?.active == [])
    try await fixture.pass(.milliseconds(1))
    #expect(fixture.commits.all.last?.active == [session.id])
    #expect(try await repository.session(session.id).lastActivityTime == time)
    fixture.report(session.id, tasks: 1)
    try await repository.keepReports()
    let kept = try await repository.session(session.id)
    #expect(kept.lastActivityTime == fixture.clock.now())
    // No event, no other revision; and whoever keeps sessions in memory is told.
    #expect(kept.revision == session.revision && kept.updateTime == session.updateTime)
    #expect(fixture.commits.all.last?.active == [session.id])
    #expect(fixture.commits.all.last?.events == [])
  },
  ConformanceCase("A report that is kept later than what came after it does not step back") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    try await fixture.pass(.seconds(1))
    fixture.report(session.id, tasks: 1)
    try await fixture.pass(.seconds(1))
    _ = try await fixture.repository.update(session.id, .rename("b"), expectedRevision: nil)
    try await fixture.repository.keepReports()
    #expect(try await fixture.repository.session(session.id).lastActivityTime == fixture.clock.now())
  },
  ConformanceCase("A report does not step back, also when the clock was set back") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    try await fixture.pass(.seconds(20))
    let time = fixture.clock.now()
    fixture.report(session.id, tasks: 1)
    fixture.clock.advance(by: .seconds(-10))
    fixture.report(session.id, tasks: 1)
    #expect(try await fixture.repository.session(session.id).lastActivityTime == time)
    try await fixture.repository.keepReports()
    #expect(try await fixture.repository.session(session.id).lastActivityTime == time)
    // Nor does what comes after it.
    let other = try await fixture.repository.create("other")
    #expect(other.createTime == time)
  },
  ConformanceCase("A report is activity for lists, searches and changes, too, before its interval is over") {
    (fixture) async throws in
    let repository = fixture.repository
    let (first, second) = (try await repository.create(in: .active), try await repository.create(in: .active))
    for id in [first.id, second.id, first.id] {
      try await fixture.pass(.seconds(1))
      fixture.report(id, tasks: 1)
      let latestFirst = SessionQuery.with { $0.order = [SessionOrder(.lastActivityTime, isDescending: true)] }
      #expect(try await repository.list(latestFirst).sessions.first?.id == id)
      #expect(try await repository.search("", limit: 1).map(\.id) == [id])
      #expect(try await repository.search("", limit: 1).first?.lastActivityTime == fixture.clock.now())
    }
    let time = fixture.clock.now()
    try await fixture.pass(.seconds(1))
    fixture.report(second.id, tasks: 1)
    // What comes after a report is not older, also when the clock was set back.
    let later = fixture.clock.now()
    fixture.clock.advance(by: .seconds(-1))
    #expect(fixture.clock.now() == time)
    let renamed = try await repository.update(second.id, .rename("b"), expectedRevision: nil)
    #expect(renamed.lastActivityTime >= later)
    #expect(try await repository.search("", limit: 1).first == renamed)
  },
  ConformanceCase("Reports of many sessions are one commit, however many they are") { (fixture) async throws in
    var ids: [SessionID] = []
    for number in 0..<20 { ids.append(try await fixture.repository.create("s\(number)").id) }
    let before = fixture.commits.all.count
    for _ in 0..<100 { for id in ids { fixture.report(id, tasks: 1) } }
    try await fixture.pass(.seconds(10))
    #expect(fixture.commits.all.count == before + 1)
    #expect(Set(fixture.commits.all.last?.active ?? []) == Set(ids))
    #expect(try await fixture.repository.stats().tasksProcessed == 2000)
    #expect(fixture.commits.all.count == before + 1)
  },
  ConformanceCase("A report of a session that is not there, or has finished, is not taken, and it is told why") {
    (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active)
    fixture.report(session.id, tasks: 1)
    try await repository.move(session.id, to: .completed)
    #expect(repository.report(ActivityReport(sessionID: session.id, tasksProcessed: 1)) == .unknown)
    #expect(repository.report(ActivityReport(sessionID: strangeID)) == .unknown)
    #expect(
      try await repository.refusal(ofReportsOf: session.id) == "the session has finished: it is in COMPLETED")
    #expect(try await repository.refusal(ofReportsOf: strangeID) == "no session has this id")
    #expect(try await repository.metrics(of: session.id).processed.tasks == 1)
    try await repository.remove(session.id)
    #expect(repository.report(ActivityReport(sessionID: session.id)) == .unknown)
    #expect(try await repository.refusal(ofReportsOf: session.id) == "no session has this id")
    // One that failed is not finished.
    let failed = try await repository.create(in: .error)
    fixture.report(failed.id, tasks: 1)
    #expect(try await repository.refusal(ofReportsOf: failed.id) == nil)
    #expect(try await repository.stats().tasksProcessed == 2)
  },
  ConformanceCase("A report with a flaw counts for nothing") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    let report = ActivityReport(sessionID: session.id, tasksProcessed: 2, tasksFailed: 3)
    guard case .flawed(let flaw) = fixture.repository.report(report) else {
      Issue.record("it was taken")
      return
    }
    #expect(flaw == "tasks_failed is 3, more than the 2 tasks that were processed")
    #expect(try await fixture.repository.stats().tasksProcessed == 0)
  },
  ConformanceCase("Without metrics, reports are activity and tell what is used", options: .withoutMetrics()) {
    (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    try await fixture.pass(.seconds(200))
    let report = ActivityReport(
      sessionID: session.id, memoryUsageBytes: 7, tasksProcessed: 20, tasksFailed: 20)
    #expect(fixture.repository.report(report) == .accepted)
    try await fixture.pass(.seconds(200))
    let health = try await fixture.repository.health(of: session.id)
    #expect(try await fixture.repository.session(session.id).status == .active)
    #expect(health.usage.memoryBytes == 7 && health.errorRate == 0)
    #expect(try await fixture.repository.stats().tasksProcessed == 0)
  },
  ConformanceCase("Without metrics, messages are not counted", options: .withoutMetrics()) { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    for number in 0..<12 { try await repository.send("\(number)", to: receiver) }
    #expect(try await repository.acknowledge(try await mailbox.take(), error: "later")?.count == 12)
    #expect(try await repository.metrics(of: receiver).processed.isZero)
    let health = try await repository.health(of: receiver)
    #expect(health.status == .healthy && health.errorRate == 0)
    mailbox.close()
  },
]
