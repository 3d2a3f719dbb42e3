import SessionDomain
import Testing

let createCases = [
  ConformanceCase("A new session is initializing, has its input, and is told of") { (fixture) async throws in
    let parent = try await fixture.repository.create("director", .director)
    fixture.clock.advance(by: .seconds(1))
    let session = try await fixture.repository.create("data", .department) { draft in
      draft.metadata = ["domain": .string("data"), "gone": .null, "n": .array([.number(1), .null])]
      draft.capabilities = ["batch"]
      draft.constraints = ["max-memory:4gb", "colour:blue"]
      draft.environment = ["LOG_LEVEL": "info"]
      draft.parentID = parent.id.description.uppercased()
    }
    #expect(session.status == .initializing)
    #expect(session.metadata == ["domain": .string("data"), "n": .array([.number(1), .null])])
    #expect(session.parentID == parent.id)
    #expect(session.capabilities == ["batch"])
    #expect(session.environment == ["LOG_LEVEL": "info"])
    #expect(session.createTime == fixture.clock.now())
    #expect([session.updateTime, session.lastActivityTime] == [session.createTime, session.createTime])
    #expect(session.startTime == nil && session.endTime == nil)
    #expect(session.revision == 2)
    #expect(session.id > parent.id)
    #expect(try await fixture.repository.session(session.id) == session)
    let event = try #require(try await fixture.repository.history().last)
    #expect(event.kind == .created && event.sessionID == session.id && event.newStatus == .initializing)
    #expect(fixture.commits.all.last?.sessions == [session])
    #expect(fixture.commits.events.last == event)
  },
  ConformanceCase("The observer is told first how things stand") { (fixture) async throws in
    _ = try await fixture.repository.create("a")
    let first = try #require(fixture.commits.all.first)
    #expect(first.events.isEmpty && first.sessions.isEmpty && first.sequence == 0 && first.oldestSequence == 1)
  },
  ConformanceCase("Capabilities and constraints come from the metadata when there are none") { (fixture) async throws in
    let session = try await fixture.repository.create("data", .department) { draft in
      draft.metadata = [
        "capabilities": .array([.string("batch")]), "constraints": .array([.string("max-memory:4gb")]),
      ]
    }
    #expect(session.capabilities == ["batch"])
    #expect(session.constraints == ["max-memory:4gb"])
    let mixed = try await fixture.repository.create("data", .department) { draft in
      draft.metadata = ["capabilities": .array([.string("batch"), .number(1)])]
    }
    #expect(mixed.capabilities == [])
  },
  ConformanceCase("Every violation of a create is told at once, in the order of the fields") { (fixture) async throws in
    let error = try await refusal {
      try await fixture.repository.create(
        SessionDraft(
          type: nil, name: "", workspace: "relative/..", metadata: ["x": .number(.infinity)],
          capabilities: ["a", "a"], constraints: ["max-memory:lots"], environment: ["1": ""],
          parentID: strangeID.description),
        request: RequestKey(method: "Create", requestID: String(repeating: "x", count: 65), bodyDigest: []))
    }
    #expect(
      error?.paths == [
        "session.type", "session.name", "session.workspace", "session.workspace", "session.metadata.x",
        "session.capabilities[1]", "session.constraints[0]", "session.environment.1", "session.parent_id",
        "request_id",
      ])
    #expect(try await fixture.repository.sequences().newest == 0)
  },
  ConformanceCase("A parent must exist") { (fixture) async throws in
    let error = try await refusal {
      try await fixture.repository.create("a") { $0.parentID = strangeID.description }
    }
    #expect(error?.paths == ["session.parent_id"])
  },
  ConformanceCase("The limit counts sessions in no final status", options: .maxSessions(2)) { (fixture) async throws in
    let repository = fixture.repository
    let first = try await repository.create("a")
    _ = try await repository.create("b")
    #expect(try await refusal { try await repository.create("c") } == .sessionLimit(max: 2))
    try await repository.move(first.id, to: .error, .terminated)
    _ = try await repository.create("c")
    #expect(try await refusal { try await repository.create("d") } == .sessionLimit(max: 2))
    let missing = try await refusal { try await repository.create("d") { $0.parentID = strangeID.description } }
    #expect(missing?.paths == ["session.parent_id"])
  },
  ConformanceCase("Many creates at once each have their own event, without a gap", options: .maxSessions(1000)) {
    (fixture) async throws in
    let ids = try await withThrowingTaskGroup(of: Session.self) { group in
      for number in 0..<500 { group.addTask { try await fixture.repository.create("s\(number)") } }
      return try await group.reduce(into: Set<SessionID>()) { $0.insert($1.id) }
    }
    #expect(ids.count == 500)
    let events = try await fixture.repository.history()
    #expect(events.map(\.sequence) == Array(1...500))
    #expect(Set(events.map(\.sessionID)) == ids)
    #expect(events.map(\.sessionID) == events.map(\.sessionID).sorted())
  },
  ConformanceCase("A missing session is not found") { (fixture) async throws in
    #expect(try await refusal { try await fixture.repository.session(strangeID) } == .notFound(strangeID))
  },
  ConformanceCase("Times never step back, not even with the clock") { (fixture) async throws in
    let first = try await fixture.repository.create("a")
    fixture.clock.advance(by: .seconds(-3600))
    let second = try await fixture.repository.create("b")
    #expect(second.createTime >= first.createTime)
    #expect(second.id > first.id)
  },
]

extension RepositoryOptions {
  static func maxSessions(_ count: Int) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.maxSessions = count
    return options
  }
}
