import SessionDomain
import Testing

private func nested(_ depth: Int) -> JSONValue {
  (1..<depth).reduce(JSONValue.object([:])) { value, _ in .object(["a": value]) }
}

private func metadata(_ value: JSONValue) -> [String: JSONValue] {
  if case .object(let members) = value { members } else { [:] }
}

private struct DraftCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let draft: SessionDraft
  let paths: [String]

  init(_ description: String, _ paths: [String] = [], _ change: (inout SessionDraft) -> Void) {
    testDescription = description
    self.paths = paths
    var draft = SessionDraft(type: .active, name: "a", workspace: "/a")
    change(&draft)
    self.draft = draft
  }
}

private let cases = [
  DraftCase("nothing wrong") { _ in },
  DraftCase("256 characters of four bytes") { $0.name = String(repeating: "🙂", count: 256) },
  DraftCase("257 characters", ["session.name"]) { $0.name = String(repeating: "n", count: 257) },
  DraftCase("257 scalars in fewer characters", ["session.name"]) {
    $0.name = String(repeating: "e\u{301}", count: 128) + "x"
  },
  DraftCase("no name", ["session.name"]) { $0.name = "" },
  DraftCase("a line feed", ["session.name"]) { $0.name = "a\nb" },
  DraftCase("a control character of Latin-1", ["session.name"]) { $0.name = "a\u{85}" },
  DraftCase("no type", ["session.type"]) { $0.type = nil },
  DraftCase("the root") { $0.workspace = "/" },
  DraftCase("dots that are no segment") { $0.workspace = "/a/..b/c../...d/." },
  DraftCase("a segment above", ["session.workspace"]) { $0.workspace = "/a/../b" },
  DraftCase("a segment above at the end", ["session.workspace"]) { $0.workspace = "/.." },
  DraftCase("no workspace", ["session.workspace"]) { $0.workspace = "" },
  DraftCase("4096 bytes") { $0.workspace = "/" + String(repeating: "w", count: 4095) },
  DraftCase("4097 bytes", ["session.workspace"]) { $0.workspace = "/" + String(repeating: "w", count: 4096) },
  DraftCase("a NUL in the workspace", ["session.workspace"]) { $0.workspace = "/a\0" },
  DraftCase("32 deep") { $0.metadata = metadata(nested(32)) },
  DraftCase("33 deep", ["session.metadata.a"]) { $0.metadata = metadata(nested(33)) },
  DraftCase("10,000 deep", ["session.metadata.a"]) { $0.metadata = metadata(nested(10_000)) },
  DraftCase("64 KiB of metadata") { $0.metadata = ["k": .string(String(repeating: "x", count: 65536 - 8))] },
  DraftCase("a byte more", ["session.metadata"]) {
    $0.metadata = ["k": .string(String(repeating: "x", count: 65536 - 7))]
  },
  DraftCase("infinity inside", ["session.metadata.n"]) { $0.metadata = ["n": .array([.number(-.infinity)])] },
  DraftCase("128 capabilities") { $0.capabilities = (0..<128).map { "c\($0)" } },
  DraftCase("129 capabilities", ["session.capabilities"]) { $0.capabilities = (0..<129).map { "c\($0)" } },
  DraftCase(
    "a long, an empty and a repeated capability",
    [
      "session.capabilities[0]", "session.capabilities[1]", "session.capabilities[3]",
    ]
  ) { $0.capabilities = [String(repeating: "c", count: 129), "", "a", "a"] },
  DraftCase("bad constraints", ["session.constraints[0]", "session.constraints[2]"]) {
    $0.constraints = ["max-memory:lots", "fine:yes", "no colon"]
  },
  DraftCase("a constraint given two ways", ["session.constraints[1]"]) {
    $0.constraints = ["max-memory:1g", "max-memory:2g", "other:1", "other:2"]
  },
  DraftCase("bad constraints in the metadata", ["session.metadata.constraints[0]"]) {
    $0.metadata = ["constraints": .array([.string("x")])]
  },
  DraftCase("metadata's list where there is another") { draft in
    draft.constraints = ["a:b"]
    draft.metadata = ["constraints": .array([.string("x")])]
  },
  DraftCase("256 variables") { draft in for number in 0..<256 { draft.environment["V\(number)"] = "" } },
  DraftCase("257 variables", ["session.environment"]) { draft in
    for number in 0..<257 { draft.environment["V\(number)"] = "" }
  },
  DraftCase("bad variables", ["session.environment.", "session.environment.1A", "session.environment.A-B"]) {
    $0.environment = ["": "", "1A": "", "A-B": "", "_ok9": ""]
  },
  DraftCase("a long value", ["session.environment.A"]) {
    $0.environment = ["A": String(repeating: "v", count: 4097), "B": String(repeating: "v", count: 4096)]
  },
  DraftCase("a parent that is no id", ["session.parent_id"]) { $0.parentID = "director" },
  DraftCase(
    "everything at once",
    [
      "session.type", "session.name", "session.workspace", "session.capabilities[0]", "session.environment.-",
      "session.parent_id",
    ]
  ) { draft in
    draft = SessionDraft(
      type: nil, name: "", workspace: "x", capabilities: [""], environment: ["-": ""], parentID: "x")
  },
]

@Suite struct DraftTests {
  @Test(arguments: cases)
  fileprivate func `Every broken rule is told with its path`(_ example: DraftCase) {
    let checked = example.draft.check()
    #expect(checked.violations.map(\.path) == example.paths)
    #expect(checked.violations.allSatisfy { !$0.description.isEmpty })
    #expect(checked.value != nil || example.draft.type == nil)
  }

  @Test func `Nulls at the top of the metadata are dropped, those inside stay`() throws {
    var draft = SessionDraft(type: .active, name: "a", workspace: "/")
    draft.metadata = ["a": .null, "b": .object(["c": .null])]
    let session = try #require(draft.check().value)
    #expect(session.metadata == ["b": .object(["c": .null])])
    #expect(session.metadataText == #"{"b":{"c":null}}"#)
  }

  @Test(arguments: ["id", "type", "revision", "create_time", "nonsense", "", "session.name", "Metadata", "*"])
  func `A path that cannot be updated is refused`(_ path: String) {
    let change = SessionChange(values: SessionDraft(type: nil, name: "a", workspace: "/"), mask: ["name", path])
    #expect(change.check().violations.map(\.path) == ["update_mask"])
  }

  @Test(arguments: ["k", "a.b", "", " ", "\u{301}k", "\u{200D}"])
  func `A path names a key of the metadata whatever the key begins with`(_ key: String) throws {
    let values = SessionDraft(type: nil, name: "a", workspace: "/", metadata: [key: .bool(true)])
    let checked = SessionChange(values: values, mask: ["metadata.\(key)"]).check()
    #expect(checked.violations.filter { $0.path == "update_mask" } == [])
    #expect(try #require(checked.value).metadata == [key: .bool(true)])
  }

  @Test func `A long request id is refused`() {
    func key(_ count: Int) -> RequestKey {
      RequestKey(method: "Create", requestID: String(repeating: "é", count: count), bodyDigest: [])
    }
    #expect(key(64).violations() == [])
    #expect(key(65).violations().map(\.path) == ["request_id"])
  }
}
