import SessionDomain
import Testing

extension SessionQuery {
  static func with(_ change: (inout SessionQuery) -> Void) -> SessionQuery {
    var query = SessionQuery()
    change(&query)
    return query
  }

  func at(_ token: String) -> SessionQuery {
    var query = self
    query.pageToken = token
    return query
  }
}

extension SessionRepository {
  func names(_ query: SessionQuery) async throws -> [String] {
    try await list(query).sessions.map(\.name)
  }
}

let listCases = [
  ConformanceCase("An empty repository lists nothing, at sequence 0") { (fixture) async throws in
    let page = try await fixture.repository.list(.with { $0.includeTotal = true })
    #expect(page.sessions.isEmpty && page.nextPageToken.isEmpty && page.totalSize == 0 && page.sequence == 0)
  },
  ConformanceCase("A list holds the sessions of its types and statuses, the oldest first") { (fixture) async throws in
    let repository = fixture.repository
    for (name, type) in [("a", SessionType.director), ("b", .department), ("c", .observer), ("d", .department)] {
      let session = try await repository.create(name, type)
      if name != "b" { try await repository.move(session.id, to: .active) }
    }
    #expect(try await repository.names(SessionQuery()) == ["a", "b", "c", "d"])
    let both = SessionQuery.with { query in
      query.types = [.department, .director]
      query.statuses = [.active]
      query.includeTotal = true
    }
    let page = try await repository.list(both)
    #expect(page.sessions.map(\.name) == ["a", "d"])
    #expect(page.totalSize == 2 && page.sequence == 7 && page.nextPageToken.isEmpty)
    #expect(page.sessions.first == (try await repository.session(page.sessions[0].id)))
  },
  ConformanceCase("A condition filters a list") { (fixture) async throws in
    for number in 1...4 {
      _ = try await fixture.repository.create("s\(number)") { $0.metadata = ["n": .number(Double(number))] }
    }
    let condition = try Condition.parse("metadata->>'n' > ? OR name = 's1'", parameters: [.number(3)])
    #expect(try await fixture.repository.names(.with { $0.condition = condition }) == ["s1", "s4"])
    let narrowed = SessionQuery.with { query in
      query.condition = condition
      query.types = [.observer]
    }
    #expect(try await fixture.repository.names(narrowed) == [])
  },
  ConformanceCase("Every field orders a list both ways, ties go by id") { (fixture) async throws in
    let repository = fixture.repository
    for name in ["b", "a", "b", "c"] {
      _ = try await repository.create(name) { $0.metadata = ["p": .string(name)] }
      fixture.clock.advance(by: .seconds(1))
    }
    let all = try await repository.list(SessionQuery()).sessions
    try await repository.move(all[2].id, to: .active)
    let fields: [SessionField] = [
      .id, .type, .name, .status, .workspace, .parentID, .templateName, .clonedFrom, .statusReason, .createTime,
      .updateTime, .startTime, .endTime, .lastActivityTime, .revision, .metadata(["p"]), .environment("X"),
    ]
    for field in fields {
      let up = try await repository.list(.with { $0.order = [SessionOrder(field)] }).sessions.map(\.id)
      let down = try await repository.list(.with { $0.order = [SessionOrder(field, isDescending: true)] }).sessions
      #expect(Set(up) == Set(all.map(\.id)) && Set(down.map(\.id)) == Set(up), "\(field)")
    }
    #expect(try await repository.names(.with { $0.order = [SessionOrder(.name)] }) == ["a", "b", "b", "c"])
    let byName = SessionQuery.with { $0.order = [SessionOrder(.name, isDescending: true)] }
    #expect(try await repository.list(byName).sessions.map(\.id) == [all[3].id, all[0].id, all[2].id, all[1].id])
    let byStart = SessionQuery.with { $0.order = [SessionOrder(.startTime)] }
    #expect(try await repository.list(byStart).sessions.map(\.id).last == all[2].id)
    let byStartDown = SessionQuery.with { $0.order = [SessionOrder(.startTime, isDescending: true)] }
    #expect(try await repository.list(byStartDown).sessions.map(\.id) == [all[2], all[0], all[1], all[3]].map(\.id))
  },
  ConformanceCase("Metadata orders numbers as numbers, before texts, and what is missing first") {
    (fixture) async throws in
    let values: [(String, JSONValue?)] = [
      ("ten", .number(10)), ("text", .string("1")), ("two", .number(2)), ("none", nil), ("half", .number(0.5)),
    ]
    for (name, value) in values {
      _ = try await fixture.repository.create(name) { $0.metadata = value.map { ["p": $0] } ?? [:] }
    }
    let up = SessionQuery.with { $0.order = [SessionOrder(.metadata(["p"]))] }
    #expect(try await fixture.repository.names(up) == ["none", "half", "two", "ten", "text"])
    let down = SessionQuery.with { $0.order = [SessionOrder(.metadata(["p"]), isDescending: true)] }
    #expect(try await fixture.repository.names(down) == ["text", "ten", "two", "half", "none"])
  },
  ConformanceCase("Wrong sizes, pages and orders are refused together") { (fixture) async throws in
    let query = SessionQuery.with { query in
      query.pageSize = -1
      query.page = 2
      query.pageToken = "x"
      query.order = Array(repeating: SessionOrder(.name), count: 17)
    }
    let error = try await refusal { try await fixture.repository.list(query) }
    #expect(error?.paths == ["order_by", "page_size", "page"])
    let negative = try await refusal { try await fixture.repository.list(.with { $0.page = -1 }) }
    #expect(negative?.paths == ["page"])
  },
]
