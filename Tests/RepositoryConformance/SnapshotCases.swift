import SessionDomain
import Testing

extension SessionSnapshot {
  fileprivate func rest() async throws -> [Session] {
    var sessions: [Session] = []
    while let page = try await next() { sessions += page }
    return sessions
  }
}

let snapshotCases = [
  ConformanceCase("A snapshot stands still while the sessions go on", options: .maxSessions(1000)) {
    (fixture) async throws in
    let repository = fixture.repository
    for number in 0..<300 { _ = try await repository.create("s\(number)") }
    let all = try await repository.list(.with { $0.pageSize = 1000 }).sessions
    let snapshot = try await repository.openSnapshot(EventFilter())
    #expect(snapshot.sequence == 300)
    let first = try #require(try await snapshot.next())
    _ = try await repository.create("later")
    _ = try await repository.update(all[299].id, .rename("renamed"), expectedRevision: nil)
    _ = try await repository.delete(all[298].id, force: true, allowMissing: false, expectedRevision: nil)
    let rest = try await snapshot.rest()
    #expect(first + rest == all.sorted { $0.id < $1.id })
    #expect(try await snapshot.next() == nil)
    await snapshot.close()
    #expect(try await repository.history(after: snapshot.sequence).count == 7)
  },
  ConformanceCase("A snapshot is filtered by session and type, not by kind") { (fixture) async throws in
    let repository = fixture.repository
    let director = try await repository.create("d", .director)
    let active = try await repository.create("a", .active)
    func names(_ filter: EventFilter) async throws -> [String] {
      let snapshot = try await repository.openSnapshot(filter)
      let names = try await snapshot.rest().map(\.name)
      await snapshot.close()
      return names
    }
    #expect(try await names(EventFilter(kinds: [.deleted])) == ["d", "a"])
    #expect(try await names(EventFilter(types: [.director])) == ["d"])
    #expect(try await names(EventFilter(sessionIDs: [active.id, strangeID])) == ["a"])
    #expect(try await names(EventFilter(sessionIDs: [director.id], types: [.active])) == [])
  },
  ConformanceCase("Who comes while all snapshots are open waits for one", options: .snapshotsMax(1)) {
    (fixture) async throws in
    let repository = fixture.repository
    _ = try await repository.create("a")
    let first = try await repository.openSnapshot(EventFilter())
    async let names = {
      let second = try await repository.openSnapshot(EventFilter())
      let names = try await second.rest().map(\.name)
      await second.close()
      return names
    }()
    #expect(try await first.next()?.count == 1)
    _ = try await repository.create("b")
    await first.close()
    #expect(try await names.contains("a"))
    #expect(try await refusal { try await first.next() } == .closed)
  },
]

extension RepositoryOptions {
  fileprivate static func snapshotsMax(_ count: Int) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.snapshotsMax = count
    return options
  }
}
