import SessionDomain
import Testing

private let orders: [[SessionOrder]] = [
  [], [SessionOrder(.name)], [SessionOrder(.name, isDescending: true)], [SessionOrder(.id, isDescending: true)],
  [SessionOrder(.metadata(["p"]))], [SessionOrder(.metadata(["p"]), isDescending: true)],
  [SessionOrder(.startTime)], [SessionOrder(.startTime, isDescending: true)],
  [SessionOrder(.status, isDescending: true), SessionOrder(.metadata(["p"])), SessionOrder(.name, isDescending: true)],
  [SessionOrder(.lastActivityTime, isDescending: true)], [SessionOrder(.revision, isDescending: true)],
]

private func fill(_ fixture: RepositoryFixture, _ count: Int) async throws {
  for number in 0..<count {
    let session = try await fixture.repository.create("n\(number % 4)") { draft in
      switch number % 5 {
      case 0: draft.metadata = ["p": .number(Double(number % 3) / 3)]
      case 1: draft.metadata = ["p": .string("t\(number % 2)")]
      case 2: draft.metadata = ["p": .bool(true)]
      default: break
      }
    }
    if number % 3 == 0 { try await fixture.repository.move(session.id, to: .active) }
    if number % 2 == 0 { fixture.clock.advance(by: .milliseconds(1)) }
  }
}

private func walk(_ repository: any SessionRepository, _ query: SessionQuery) async throws -> [SessionID] {
  var ids: [SessionID] = []
  var next = query
  repeat {
    let page = try await repository.list(next)
    ids += page.sessions.map(\.id)
    next.pageToken = page.nextPageToken
    #expect(page.sessions.count == query.pageSize || page.nextPageToken.isEmpty)
  } while !next.pageToken.isEmpty && ids.count < 1000
  return ids
}

let pageCases =
  orders.map { order in
    ConformanceCase("Pages by \(order.map(\.label)) neither skip nor repeat") { (fixture) async throws in
      try await fill(fixture, 23)
      let whole = try await fixture.repository.list(.with { $0.order = order }).sessions.map(\.id)
      #expect(whole.count == 23)
      for size in [1, 2, 5, 22, 23, 24] {
        let query = SessionQuery.with { query in
          query.order = order
          query.pageSize = size
        }
        #expect(try await walk(fixture.repository, query) == whole, "pages of \(size)")
      }
    }
  } + [
    ConformanceCase("Changes of other rows between pages neither skip nor repeat a row") { (fixture) async throws in
      let repository = fixture.repository
      try await fill(fixture, 20)
      var query = SessionQuery.with { query in
        query.order = [SessionOrder(.name)]
        query.pageSize = 3
      }
      let before = try await repository.list(.with { $0.order = query.order }).sessions.map(\.id)
      var seen: [SessionID] = []
      repeat {
        let page = try await repository.list(query)
        seen += page.sessions.map(\.id)
        query.pageToken = page.nextPageToken
        let inserted = try await repository.create("n0")
        _ = try await repository.update(inserted.id, .rename("n3"), expectedRevision: nil)
        if let last = page.sessions.last {
          _ = try await repository.delete(last.id, force: true, allowMissing: false, expectedRevision: nil)
        }
      } while !query.pageToken.isEmpty && seen.count < 100
      #expect(seen.filter(Set(before).contains) == before)
      #expect(Set(seen).count == seen.count)
    },
    ConformanceCase("A token belongs to its query, but not to its page size") { (fixture) async throws in
      try await fill(fixture, 10)
      let query = SessionQuery.with { $0.pageSize = 2 }
      let token = try await fixture.repository.list(query).nextPageToken
      let changes: [(inout SessionQuery) -> Void] = [
        { $0.types = [.active] }, { $0.statuses = [.active] }, { $0.order = [SessionOrder(.name)] },
        { $0.order = [SessionOrder(.createTime, isDescending: true)] }, { $0.includeTotal = true },
      ]
      for change in changes {
        var other = query.at(token)
        change(&other)
        #expect(try await refusal { try await fixture.repository.list(other) } == .pageTokenInvalid)
      }
      var condition = query.at(token)
      condition.condition = try Condition.parse("name = ?", parameters: [.string("n1")])
      #expect(try await refusal { try await fixture.repository.list(condition) } == .pageTokenInvalid)
      var larger = query.at(token)
      larger.pageSize = 5
      #expect(try await fixture.repository.list(larger).sessions.count == 5)
    },
    ConformanceCase("A damaged token is refused, wherever the damage is") { (fixture) async throws in
      try await fill(fixture, 5)
      let query = SessionQuery.with { $0.pageSize = 2 }
      let token = try await fixture.repository.list(query).nextPageToken
      #expect(!token.isEmpty)
      var damaged = ["x", "====", token + "A", String(token.dropLast()), token + "é"]
      for index in token.indices {
        let other: Character = token[index] == "B" ? "C" : "B"
        damaged.append(token.replacingCharacter(at: index, with: other))
      }
      for text in damaged {
        #expect(try await refusal { try await fixture.repository.list(query.at(text)) } == .pageTokenInvalid, "\(text)")
      }
    },
    ConformanceCase("Pages go by number too, and a number past the end is empty") { (fixture) async throws in
      try await fill(fixture, 7)
      let all = try await fixture.repository.list(SessionQuery()).sessions.map(\.id)
      func page(_ number: Int) async throws -> SessionPage {
        try await fixture.repository.list(
          .with { query in
            query.page = number
            query.pageSize = 3
            query.includeTotal = true
          })
      }
      #expect(try await page(1).sessions.map(\.id) == Array(all[0..<3]))
      #expect(try await page(3).sessions.map(\.id) == Array(all[6...]))
      #expect(try await page(3).nextPageToken.isEmpty)
      let past = try await page(.max)
      #expect(past.sessions.isEmpty && past.totalSize == 7)
    },
    ConformanceCase("A page has 50 sessions unless asked, and 1000 at most", options: .maxSessions(2000)) {
      (fixture) async throws in
      try await withThrowingTaskGroup { group in
        for number in 0..<1002 { group.addTask { _ = try await fixture.repository.create("s\(number)") } }
        try await group.waitForAll()
      }
      #expect(try await fixture.repository.list(SessionQuery()).sessions.count == 50)
      let page = try await fixture.repository.list(.with { $0.pageSize = 5000 })
      #expect(page.sessions.count == 1000)
      #expect(try await fixture.repository.list(SessionQuery().at(page.nextPageToken)).sessions.count == 2)
    },
  ]

extension SessionOrder {
  fileprivate var label: String { "\(field)\(isDescending ? " descending" : "")" }
}

extension String {
  fileprivate func replacingCharacter(at index: Index, with character: Character) -> String {
    var copy = self
    copy.replaceSubrange(index...index, with: [character])
    return copy
  }
}
