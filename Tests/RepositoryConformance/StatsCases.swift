import SessionDomain
import Testing

extension RepositoryFixture {
  /// Has a session tell of tasks.
  func report(_ id: SessionID, tasks: Int64, failed: Int64 = 0, _ times: [Double] = []) {
    let report = ActivityReport(sessionID: id, tasksProcessed: tasks, tasksFailed: failed, responseTimes: times)
    #expect(repository.report(report) == .accepted)
  }
}

let statsCases = [
  ConformanceCase("Without sessions every count is there, and zero") { (fixture) async throws in
    let stats = try await fixture.repository.stats()
    #expect(stats.byType == [.director: 0, .department: 0, .observer: 0, .active: 0])
    #expect(stats.byStatus.count == 6 && stats.byStatus.values.allSatisfy { $0 == 0 })
    #expect(stats.sessionsCount == 0 && stats.averageUptime == .zero && stats.tasksProcessed == 0)
    #expect(stats.sequence == 0)
  },
  ConformanceCase("Sessions are counted by type and status, at a sequence") { (fixture) async throws in
    let repository = fixture.repository
    for status in SessionStatus.allCases { _ = try await repository.create(in: status) }
    _ = try await repository.create("d", .director)
    let gone = try await repository.create("o", .observer)
    try await repository.remove(gone.id)
    let stats = try await repository.stats()
    #expect(stats.byType == [.director: 1, .department: 0, .observer: 0, .active: 6])
    #expect(stats.byStatus[.initializing] == 2 && stats.byStatus[.terminated] == 1 && stats.sessionsCount == 7)
    #expect(try await repository.sequences().newest == stats.sequence)
  },
  ConformanceCase("The average uptime is that of the sessions that ever started, until their end") {
    (fixture) async throws in
    let repository = fixture.repository
    let first = try await repository.create(in: .active)
    fixture.clock.advance(by: .milliseconds(1500))
    let second = try await repository.create(in: .active)
    _ = try await repository.create("never")
    fixture.clock.advance(by: .milliseconds(2500))
    #expect(try await repository.stats().averageUptime == .milliseconds((4000 + 2500) / 2))
    try await repository.move(first.id, to: .completed)
    fixture.clock.advance(by: .seconds(10))
    #expect(try await repository.stats().averageUptime == .milliseconds((4000 + 12_500) / 2))
    try await repository.remove(first.id)
    #expect(try await repository.stats().averageUptime == .milliseconds(12_500))
    // An error is no end.
    try await repository.move(second.id, to: .error)
    fixture.clock.advance(by: .seconds(1))
    #expect(try await repository.stats().averageUptime == .milliseconds(13_500))
  },
  ConformanceCase("The total of tasks never falls, not even when a session is deleted or moves without its state") {
    (fixture) async throws in
    let repository = fixture.repository
    let ids = [try await repository.create(in: .active).id, try await repository.create(in: .active).id]
    fixture.report(ids[0], tasks: 5)
    #expect(try await repository.stats().tasksProcessed == 5)
    fixture.report(ids[0], tasks: 2, failed: 2)
    fixture.report(ids[1], tasks: 10)
    try await repository.remove(ids[0])
    #expect(try await repository.stats().tasksProcessed == 17)
    fixture.report(ids[1], tasks: 1)
    _ = try await repository.migrate(ids[1], Migration(workspace: "/new", preservesState: false))
    #expect(try await repository.stats().tasksProcessed == 18)
    #expect(try await repository.metrics(of: ids[1]).processed.tasks == 0)
    fixture.report(ids[1], tasks: 3)
    #expect(try await repository.metrics(of: ids[1]).processed.tasks == 3)
    #expect(try await repository.stats().tasksProcessed == 21)
  },
  ConformanceCase("One report counts a billion tasks at most") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.report(session.id, tasks: 1_000_000_000)
    for count in [1_000_000_001, Int64.max] {
      let report = ActivityReport(sessionID: session.id, tasksProcessed: count)
      guard case .flawed(let flaw) = fixture.repository.report(report) else {
        Issue.record("\(count) were taken")
        continue
      }
      #expect(flaw == "tasks_processed is \(count), more than the 1000000000 that one report may count")
    }
    #expect(try await fixture.repository.stats().tasksProcessed == 1_000_000_000)
  },
]
