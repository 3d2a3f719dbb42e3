import SessionDomain
import Testing

private func strings(_ texts: String...) -> JSONValue {
  .array(texts.map { .string($0) })
}

private struct TemplateCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let draft: TemplateDraft
  let paths: [String]

  init(_ description: String, _ paths: [String] = [], _ change: (inout TemplateDraft) -> Void) {
    testDescription = description
    self.paths = paths
    var draft = TemplateDraft(name: "t", type: .department)
    change(&draft)
    self.draft = draft
  }
}

private let cases = [
  TemplateCase("nothing wrong") { _ in },
  TemplateCase("every character of a name") { $0.name = "abcxyz-019_." },
  TemplateCase("128 characters") { $0.name = String(repeating: "n", count: 128) },
  TemplateCase("129 characters", ["template.name"]) { $0.name = String(repeating: "n", count: 129) },
  TemplateCase("no name", ["template.name"]) { $0.name = "" },
  TemplateCase("a capital", ["template.name"]) { $0.name = "Data" },
  TemplateCase("a space", ["template.name"]) { $0.name = "a b" },
  TemplateCase("a slash", ["template.name"]) { $0.name = "a/b" },
  TemplateCase("a letter with an accent", ["template.name"]) { $0.name = "é" },
  TemplateCase("a NUL", ["template.name"]) { $0.name = "a\0" },
  TemplateCase("no type", ["template.type"]) { $0.type = nil },
  TemplateCase("metadata too deep", ["template.metadata.a"]) { draft in
    draft.metadata = ["a": (0..<10_000).reduce(.null) { value, _ in .array([value]) }, "b": .null]
  },
  TemplateCase("64 KiB of metadata") { $0.metadata = ["k": .string(String(repeating: "x", count: 65536 - 8))] },
  TemplateCase("a byte more", ["template.metadata"]) {
    $0.metadata = ["k": .string(String(repeating: "x", count: 65536 - 7))]
  },
  TemplateCase("infinity", ["template.metadata.n"]) { $0.metadata = ["n": .number(.infinity)] },
  TemplateCase("a capability twice", ["template.capabilities[1]"]) { $0.capabilities = ["a", "a"] },
  TemplateCase("a standard capability that is there") { draft in
    draft.capabilities = ["a"]
    draft.metadata = ["standardCapabilities": strings("a", "b", "b")]
  },
  TemplateCase("an empty standard capability", ["template.metadata.standardCapabilities[1]"]) {
    $0.metadata = ["standardCapabilities": strings("a", "")]
  },
  TemplateCase("128 capabilities of both kinds") { draft in
    draft.capabilities = (0..<100).map { "c\($0)" }
    draft.metadata = ["standardCapabilities": .array((72..<128).map { .string("c\($0)") })]
  },
  TemplateCase("129 capabilities of both kinds", ["template.metadata.standardCapabilities"]) { draft in
    draft.capabilities = (0..<100).map { "c\($0)" }
    draft.metadata = ["standardCapabilities": .array((100..<129).map { .string("c\($0)") })]
  },
  TemplateCase("129 capabilities", ["template.capabilities"]) { draft in
    draft.capabilities = (0..<129).map { "c\($0)" }
    draft.metadata = ["standardCapabilities": strings("s")]
  },
  TemplateCase("standard capabilities that are no list of texts") { draft in
    draft.metadata = ["standardCapabilities": .array([.string(""), .number(1)]), "standardConstraints": .string("x")]
  },
  TemplateCase("wrong constraints", ["template.constraints[0]", "template.metadata.standardConstraints[0]"]) { draft in
    draft.constraints = ["max-memory:lots"]
    draft.metadata = ["standardConstraints": strings("no colon")]
  },
  TemplateCase("a limit given two ways", ["template.metadata.standardConstraints[1]"]) { draft in
    draft.constraints = ["max-memory:4gb"]
    draft.metadata = ["standardConstraints": strings("max-memory:4gb", "max-memory:8gb")]
  },
  TemplateCase("a wrong list that sessions would take from the metadata", ["template.metadata.constraints[0]"]) {
    $0.metadata = ["constraints": strings("x")]
  },
  TemplateCase("a wrong list that no session takes") { draft in
    draft.metadata = ["constraints": strings("x"), "standardConstraints": strings("a:b")]
  },
  TemplateCase("wrong variables", ["template.environment.1A", "template.environment.B"]) {
    $0.environment = ["1A": "", "B": String(repeating: "v", count: 4097), "C": ""]
  },
  TemplateCase(
    "everything at once",
    [
      "template.name", "template.type", "template.metadata.n", "template.capabilities[0]", "template.constraints[0]",
      "template.environment.-",
    ]
  ) { draft in
    draft = TemplateDraft(
      name: "", type: nil, metadata: ["n": .number(.nan)], capabilities: [""], constraints: ["x"],
      environment: ["-": ""])
  },
]

@Suite struct TemplateDraftTests {
  @Test(arguments: cases)
  fileprivate func `Every broken rule of a template is told with its path`(_ example: TemplateCase) {
    let checked = example.draft.check()
    #expect(checked.violations.map(\.path) == example.paths)
    #expect(checked.violations.allSatisfy { !$0.description.isEmpty })
    #expect((checked.value == nil) == (example.draft.type == nil))
  }

  @Test func `Nulls at the top of a template's metadata are dropped, those inside stay`() throws {
    let draft = TemplateDraft(
      name: "t", type: .active, metadata: ["a": .null, "b": .object(["c": .null])], environment: ["A": "1"])
    let template = try #require(draft.check().value)
    #expect(template.metadataText == #"{"b":{"c":null}}"#)
    let time = Timestamp(microseconds: 7)
    #expect(template.template(at: time).metadata == ["b": .object(["c": .null])])
    #expect(template.template(at: time).environment == ["A": "1"] && template.template(at: time).createTime == time)
  }
}
