import SessionDomain
import Testing

private func instantiation(
  _ template: String = "t", _ change: (inout Instantiation) -> Void = { _ in }
) -> Instantiation {
  var instantiation = Instantiation(templateName: template, name: "made", workspace: "/made")
  change(&instantiation)
  return instantiation
}

private func key(_ requestID: String, _ instantiation: Instantiation) -> RequestKey {
  RequestKey(method: "InstantiateTemplate", requestID: requestID, bodyDigest: instantiation.digest)
}

extension TemplateRepository {
  fileprivate func make(_ instantiation: Instantiation) async throws -> Session {
    try await instantiate(instantiation, request: nil)
  }
}

let instantiationCases = [
  ConformanceCase("A session from a template is a new session with the template's name") { (fixture) async throws in
    let repository = fixture.repository
    _ = try await repository.createTemplate(
      .named("t") { draft in
        draft.metadata = [
          "domain": .string("data"), "config": .object(["a": .number(1), "b": .number(2)]),
          "standardCapabilities": .array([.string("standard"), .string("own")]),
          "standardConstraints": .array([.string("cpu-priority:low")]),
        ]
        draft.capabilities = ["own"]
        draft.constraints = ["max-memory:4gb"]
        draft.environment = ["A": "1", "B": "2"]
      })
    let parent = try await repository.create("director", .director)
    let session = try await repository.make(
      instantiation { instantiation in
        instantiation.metadata = ["config": .object(["a": .null, "c": .number(3)]), "domain": .null]
        instantiation.environment = ["B": "3"]
        instantiation.parentID = parent.id.description
      })
    #expect(session.status == .initializing && session.type == .department && session.templateName == "t")
    #expect(session.name == "made" && session.workspace == "/made" && session.parentID == parent.id)
    #expect(session.metadata["config"] == .object(["b": .number(2), "c": .number(3)]))
    #expect(session.metadata["domain"] == nil)
    #expect(session.capabilities == ["own", "standard"])
    #expect(session.constraints == ["max-memory:4gb", "cpu-priority:low"])
    #expect(session.environment == ["A": "1", "B": "3"])
    #expect(try await repository.session(session.id) == session)
    let event = try #require(try await repository.history().last)
    #expect(event.kind == .created && event.sessionID == session.id && event.sequence == session.revision)
    let condition = try Condition.parse("templateName = 't'", parameters: [])
    #expect(try await repository.names(.with { $0.condition = condition }) == ["made"])
  },
  ConformanceCase("Sessions made from a template keep what they have when it is deleted") { (fixture) async throws in
    let repository = fixture.repository
    _ = try await repository.createTemplate(.named("t") { $0.capabilities = ["a"] })
    let session = try await repository.make(instantiation())
    try await repository.deleteTemplate("t")
    #expect(try await repository.session(session.id) == session)
    _ = try await repository.createTemplate(.named("t") { $0.capabilities = ["b"] })
    #expect(try await repository.session(session.id) == session)
    #expect(try await repository.make(instantiation()).capabilities == ["b"])
  },
  ConformanceCase("A session from a template that is not there is refused") { (fixture) async throws in
    for name in ["t", "T", "a\0"] {
      let error = try await refusal { try await fixture.repository.make(instantiation(name)) }
      #expect(error == .templateNotFound(name: name))
    }
    #expect(try await fixture.repository.sequences().newest == 0)
  },
  ConformanceCase("Every violation of an instantiation is told at once, with the template and without") {
    (fixture) async throws in
    let repository = fixture.repository
    let wrong = instantiation { instantiation in
      instantiation.name = ""
      instantiation.metadata = ["standardCapabilities": .array([.string("")])]
      instantiation.constraints = ["x"]
      instantiation.environment = ["-": ""]
      instantiation.parentID = strangeID.description
    }
    let request = key(String(repeating: "x", count: 65), wrong)
    let without = try await refusal { try await repository.instantiate(wrong, request: request) }
    #expect(without?.paths == ["name", "constraints[0]", "environment.-", "parent_id", "request_id"])
    _ = try await repository.createTemplate(.named("t"))
    let with = try await refusal { try await repository.instantiate(wrong, request: request) }
    #expect(
      with?.paths == [
        "name", "metadata.standardCapabilities[0]", "constraints[0]", "environment.-", "parent_id", "request_id",
      ])
  },
  ConformanceCase("What is wrong only together with the template is refused") { (fixture) async throws in
    let repository = fixture.repository
    _ = try await repository.createTemplate(
      .named("t") { $0.metadata = ["k": .string(String(repeating: "x", count: 65536 - 8))] })
    let tooMuch = try await refusal { try await repository.make(instantiation { $0.metadata = ["a": .number(1)] }) }
    #expect(tooMuch?.paths == ["metadata"])
    #expect(try await repository.make(instantiation { $0.metadata = ["k": .number(1)] }).metadata == ["k": .number(1)])
  },
  ConformanceCase("A parent must exist, which is told before a missing template", options: .maxSessions(1)) {
    (fixture) async throws in
    let repository = fixture.repository
    let orphan = instantiation { $0.parentID = strangeID.description }
    #expect(try await refusal { try await repository.make(orphan) }?.paths == ["parent_id"])
    _ = try await repository.createTemplate(.named("t"))
    #expect(try await refusal { try await repository.make(orphan) }?.paths == ["parent_id"])
    _ = try await repository.make(instantiation())
    #expect(try await refusal { try await repository.make(orphan) }?.paths == ["parent_id"])
  },
  ConformanceCase("The limit of sessions counts for sessions from templates", options: .maxSessions(1)) {
    (fixture) async throws in
    _ = try await fixture.repository.createTemplate(.named("t"))
    _ = try await fixture.repository.make(instantiation())
    #expect(try await refusal { try await fixture.repository.make(instantiation()) } == .sessionLimit(max: 1))
  },
  ConformanceCase("A repeated instantiation returns its session, also when the template is gone") {
    (fixture) async throws in
    let repository = fixture.repository
    _ = try await repository.createTemplate(.named("t"))
    let request = key("r1", instantiation())
    let first = try await repository.instantiate(instantiation(), request: request)
    try await repository.move(first.id, to: .active)
    try await repository.deleteTemplate("t")
    let newest = try await repository.sequences().newest
    let again = try await repository.instantiate(instantiation(), request: request)
    #expect(again.id == first.id && again.status == .active)
    #expect(try await repository.sequences().newest == newest)
    let other = instantiation { $0.name = "other" }
    let reused = try await refusal { try await repository.instantiate(other, request: key("r1", other)) }
    #expect(reused == .requestIDReused(requestID: "r1"))
    _ = try await repository.delete(first.id, force: true, allowMissing: false, expectedRevision: nil)
    let gone = try await refusal { try await repository.instantiate(instantiation(), request: request) }
    #expect(gone == .notFound(first.id))
  },
  ConformanceCase("One instantiation sent many times at once makes one session") { (fixture) async throws in
    _ = try await fixture.repository.createTemplate(.named("t"))
    let ids = try await withThrowingTaskGroup(of: SessionID.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await fixture.repository.instantiate(instantiation(), request: key("r1", instantiation())).id
        }
      }
      return try await group.reduce(into: Set<SessionID>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
  },
]
