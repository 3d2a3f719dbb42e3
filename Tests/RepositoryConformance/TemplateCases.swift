import SessionDomain
import Testing

extension TemplateDraft {
  static func named(_ name: String, _ change: (inout TemplateDraft) -> Void = { _ in }) -> TemplateDraft {
    var draft = TemplateDraft(name: name, type: .department)
    change(&draft)
    return draft
  }
}

private func walk(_ repository: any TemplateRepository, pageSize: Int) async throws -> [String] {
  var names: [String] = []
  var token = ""
  repeat {
    let page = try await repository.templates(pageSize: pageSize, pageToken: token)
    #expect(page.templates.count == pageSize || page.nextPageToken.isEmpty)
    names += page.templates.map(\.name)
    token = page.nextPageToken
  } while !token.isEmpty && names.count < 1000
  return names
}

let templateCases = [
  ConformanceCase("A template is kept with all of its input, and is no event") { (fixture) async throws in
    let repository = fixture.repository
    let template = try await repository.createTemplate(
      .named("data-1_a.b") { draft in
        draft.metadata = ["domain": .string("data"), "gone": .null, "n": .object(["a": .null])]
        draft.capabilities = ["batch"]
        draft.constraints = ["max-memory:4gb"]
        draft.environment = ["LOG_LEVEL": "info"]
      })
    #expect(template.name == "data-1_a.b" && template.type == .department)
    #expect(template.metadata == ["domain": .string("data"), "n": .object(["a": .null])])
    #expect(template.capabilities == ["batch"] && template.constraints == ["max-memory:4gb"])
    #expect(template.environment == ["LOG_LEVEL": "info"] && template.createTime == fixture.clock.now())
    #expect(try await repository.template(template.name) == template)
    #expect(try await repository.templates(pageSize: 0, pageToken: "").templates == [template])
    #expect(try await repository.sequences().newest == 0)
    #expect(fixture.commits.all.count == 1)
  },
  ConformanceCase("Every violation of a template is told at once, before its name is looked for") {
    (fixture) async throws in
    let error = try await refusal {
      try await fixture.repository.createTemplate(
        TemplateDraft(
          name: "No", type: nil, metadata: ["standardConstraints": .array([.string("x")])], capabilities: [""],
          environment: ["-": ""]))
    }
    #expect(
      error?.paths == [
        "template.name", "template.type", "template.capabilities[0]", "template.metadata.standardConstraints[0]",
        "template.environment.-",
      ])
    _ = try await fixture.repository.createTemplate(.named("a"))
    let taken = try await refusal { try await fixture.repository.createTemplate(.named("a") { $0.type = nil }) }
    #expect(taken?.paths == ["template.type"])
  },
  ConformanceCase("A name that is taken is refused, and is free again once its template is deleted") {
    (fixture) async throws in
    let repository = fixture.repository
    let first = try await repository.createTemplate(.named("a"))
    let error = try await refusal { try await repository.createTemplate(.named("a") { $0.type = .observer }) }
    #expect(error == .templateExists(name: "a"))
    #expect(try await repository.template("a") == first)
    try await repository.deleteTemplate("a")
    #expect(try await repository.createTemplate(.named("a") { $0.type = .observer }).type == .observer)
  },
  ConformanceCase("Of many creates of one name at once one succeeds") { (fixture) async throws in
    let made = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask {
          do throws(SessionError) {
            _ = try await fixture.repository.createTemplate(.named("a"))
            return 1
          } catch {
            #expect(error == .templateExists(name: "a"))
            return 0
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(made == 1)
  },
  ConformanceCase("A template that is not there is not found", options: .maxSessions(1)) { (fixture) async throws in
    let repository = fixture.repository
    for name in ["a", "A", "", "a\0", String(repeating: "n", count: 1000)] {
      #expect(try await refusal { try await repository.template(name) } == .templateNotFound(name: name))
      #expect(try await refusal { try await repository.deleteTemplate(name) } == .templateNotFound(name: name))
    }
    _ = try await repository.createTemplate(.named("a"))
    try await repository.deleteTemplate("a")
    #expect(try await refusal { try await repository.template("a") } == .templateNotFound(name: "a"))
    #expect(try await refusal { try await repository.deleteTemplate("a") } == .templateNotFound(name: "a"))
    #expect(try await repository.templates(pageSize: 0, pageToken: "").templates == [])
  },
  ConformanceCase("Templates are listed by name, and pages neither skip nor repeat") { (fixture) async throws in
    let names = (0..<23).map { "t\($0 % 5)-\($0)" } + [".", "_", "0"]
    for name in names { _ = try await fixture.repository.createTemplate(.named(name)) }
    for size in [1, 2, 5, 25, 26, 27] {
      let listed = try await walk(fixture.repository, pageSize: size)
      #expect(listed == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, "pages of \(size)")
    }
  },
  ConformanceCase("Templates that come and go between pages do not disturb the others") { (fixture) async throws in
    let repository = fixture.repository
    for name in ["a", "c", "e", "g"] { _ = try await repository.createTemplate(.named(name)) }
    let first = try await repository.templates(pageSize: 2, pageToken: "")
    #expect(first.templates.map(\.name) == ["a", "c"])
    try await repository.deleteTemplate("c")
    for name in ["b", "d"] { _ = try await repository.createTemplate(.named(name)) }
    let second = try await repository.templates(pageSize: 10, pageToken: first.nextPageToken)
    #expect(second.templates.map(\.name) == ["d", "e", "g"] && second.nextPageToken.isEmpty)
  },
  ConformanceCase("A page has 50 templates unless asked, 1000 at most, and no negative number of them") {
    (fixture) async throws in
    let repository = fixture.repository
    try await withThrowingTaskGroup { group in
      for number in 0..<1002 { group.addTask { _ = try await repository.createTemplate(.named("t\(number)")) } }
      try await group.waitForAll()
    }
    #expect(try await repository.templates(pageSize: 0, pageToken: "").templates.count == 50)
    let page = try await repository.templates(pageSize: 5000, pageToken: "")
    #expect(page.templates.count == 1000)
    #expect(try await repository.templates(pageSize: 0, pageToken: page.nextPageToken).templates.count == 2)
    let error = try await refusal { try await repository.templates(pageSize: -1, pageToken: "x") }
    #expect(error?.paths == ["page_size"])
  },
  ConformanceCase("A token that is damaged, or of another list, is refused") { (fixture) async throws in
    let repository = fixture.repository
    for name in ["a", "b", "c"] { _ = try await repository.createTemplate(.named(name)) }
    for name in ["x", "y"] { _ = try await repository.create(name) }
    let token = try await repository.templates(pageSize: 1, pageToken: "").nextPageToken
    var wrong = ["x", token + "A", String(token.dropLast()), String(token.dropFirst())]
    let byID = SessionQuery.with { query in
      query.pageSize = 1
      query.order = [SessionOrder(.id)]
    }
    wrong.append(try await repository.list(byID).nextPageToken)
    for text in wrong {
      #expect(try await refusal { try await repository.templates(pageSize: 1, pageToken: text) } == .pageTokenInvalid)
    }
    #expect(try await refusal { try await repository.list(SessionQuery().at(token)) } == .pageTokenInvalid)
  },
]
