import SessionDomain
import Testing

extension RepositoryOptions {
  fileprivate static func keeping(_ count: Int) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.eventRetentionCount = count
    return options
  }
}

let eventCases = [
  ConformanceCase("History comes in pages, in order, and says where it ends") { (fixture) async throws in
    for number in 1...5 { _ = try await fixture.repository.create("s\(number)") }
    let first = try await fixture.repository.events(.oldest, EventFilter(), limit: 2)
    #expect(first.events.map(\.sequence) == [1, 2] && first.lastSequence == 2 && first.hasMore)
    #expect(first.oldestSequence == 1 && first.newestSequence == 5)
    let rest = try await fixture.repository.events(.after(2), EventFilter(), limit: 100)
    #expect(rest.events.map(\.sequence) == [3, 4, 5] && rest.lastSequence == 5 && !rest.hasMore)
    let none = try await fixture.repository.events(.after(5), EventFilter(), limit: 100)
    #expect(none.events.isEmpty && none.lastSequence == 5 && !none.hasMore)
    #expect(rest.events == Array(fixture.commits.events[2...]))
  },
  ConformanceCase("History is filtered by kind, session and type, and goes on behind what it left out") {
    (fixture) async throws in
    let repository = fixture.repository
    let director = try await repository.create("d", .director)
    let active = try await repository.create("a", .active)
    try await repository.move(director.id, to: .active)
    try await repository.move(active.id, to: .active)
    func sequences(_ filter: EventFilter) async throws -> [Int64] {
      let page = try await repository.events(.oldest, filter, limit: 100)
      #expect(page.lastSequence == 4)
      #expect(page.events == fixture.commits.events.filter(filter.matches))
      return page.events.map(\.sequence)
    }
    #expect(try await sequences(EventFilter(kinds: [.statusChanged])) == [3, 4])
    #expect(try await sequences(EventFilter(sessionIDs: [active.id, strangeID])) == [2, 4])
    #expect(try await sequences(EventFilter(kinds: [.created], types: [.director])) == [1])
    #expect(try await sequences(EventFilter(kinds: [.migrated])) == [])
  },
  ConformanceCase("A sequence that has not happened is refused") { (fixture) async throws in
    _ = try await fixture.repository.create("a")
    let error = try await refusal { try await fixture.repository.events(.after(2), EventFilter(), limit: 1) }
    #expect(error == .sequenceInFuture(newest: 1))
  },
  ConformanceCase("History is kept for a count, and what is older is told as gone", options: .keeping(3)) {
    (fixture) async throws in
    let repository = fixture.repository
    for number in 1...10 { _ = try await repository.create("s\(number)") }
    #expect(try await repository.sequences() == (8, 10))
    #expect(try await repository.events(.oldest, EventFilter(), limit: 10).events.map(\.sequence) == [8, 9, 10])
    #expect(try await repository.events(.after(7), EventFilter(), limit: 10).events.count == 3)
    for sequence in [-1, 0, 6] as [Int64] {
      let error = try await refusal { try await repository.events(.after(sequence), EventFilter(), limit: 1) }
      #expect(error == .sequenceCompacted(oldest: 8))
    }
    #expect(fixture.commits.all.last?.oldestSequence == 8)
  },
  ConformanceCase("History is kept for a time; the sequence goes on when all of it is gone") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create("a")
    fixture.clock.advance(by: .seconds(8 * 24 * 60 * 60))
    _ = try await repository.update(session.id, .rename("b"), expectedRevision: nil)
    #expect(try await repository.sequences() == (2, 2))
    fixture.clock.advance(by: .seconds(8 * 24 * 60 * 60))
    _ = try await repository.update(session.id, .rename("b"), expectedRevision: nil)
    #expect(try await repository.sequences() == (3, 2))
    #expect(try await repository.events(.oldest, EventFilter(), limit: 10).events == [])
    #expect(try await repository.events(.after(2), EventFilter(), limit: 10).events == [])
    #expect(try await repository.create("c").revision == 3)
    #expect(try await repository.sequences() == (3, 3))
  },
  ConformanceCase("With no history kept, sequences still grow by one", options: .keeping(0)) { (fixture) async throws in
    for number in 1...5 {
      #expect(try await fixture.repository.create("s\(number)").revision == Int64(number))
      #expect(try await fixture.repository.sequences() == (Int64(number) + 1, Int64(number)))
    }
  },
  ConformanceCase("A refused change among others leaves no gap") { (fixture) async throws in
    let repository = fixture.repository
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<90 {
        group.addTask {
          let parent = number % 3 == 0 ? strangeID.description : ""
          let draft = SessionDraft.named("s\(number)").with { $0.parentID = parent }
          do throws(SessionError) {
            _ = try await repository.create(draft, request: nil)
          } catch {
            #expect(error.paths == ["session.parent_id"])
          }
        }
      }
    }
    #expect(try await repository.history().map(\.sequence) == Array(1...60))
  },
]
