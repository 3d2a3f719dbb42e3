import SessionDomain
import Testing

private func strings(_ texts: String...) -> JSONValue {
  .array(texts.map { .string($0) })
}

private func template(_ change: (inout Template) -> Void = { _ in }) -> Template {
  var template = Template(name: "t", type: .department, createTime: Timestamp(microseconds: 0))
  change(&template)
  return template
}

private func instantiation(_ change: (inout Instantiation) -> Void = { _ in }) -> Instantiation {
  var instantiation = Instantiation(templateName: "t", name: "n", workspace: "/w")
  change(&instantiation)
  return instantiation
}

/// What a template and overrides make.
private func made(
  of template: Template, _ change: (inout Instantiation) -> Void = { _ in }
) throws -> NewSession {
  let checked = instantiation(change).check(over: template)
  #expect(checked.violations == [])
  return try #require(checked.value)
}

private func paths(
  of template: Template?, _ change: (inout Instantiation) -> Void = { _ in }
) -> [String] {
  instantiation(change).check(over: template).violations.map(\.path)
}

@Suite struct InstantiationTests {
  @Test func `Without overrides a session is what the template says`() throws {
    let source = template { template in
      template.metadata = ["domain": .string("data"), "deep": .object(["null": .null])]
      template.capabilities = ["batch"]
      template.constraints = ["max-memory:4gb"]
      template.environment = ["LOG_LEVEL": "info"]
    }
    let session = try made(of: source).session(
      id: SessionID(high: 1, low: 2), at: Timestamp(microseconds: 3), revision: 4)
    #expect(session.type == .department && session.name == "n" && session.workspace == "/w")
    #expect(session.templateName == "t" && session.clonedFrom == nil && session.parentID == nil)
    #expect(session.metadata == source.metadata && session.environment == source.environment)
    #expect(session.capabilities == ["batch"] && session.constraints == ["max-memory:4gb"])
  }

  @Test func `Metadata is merged at every depth, a null removes its key`() throws {
    let source = template {
      $0.metadata = [
        "keep": .number(1), "gone": .bool(true), "list": strings("a", "b"),
        "config": .object(["keep": .number(2), "gone": .null, "change": .string("old")]),
      ]
    }
    let session = try made(of: source) { instantiation in
      instantiation.metadata = [
        "gone": .null, "never": .null, "list": strings("c"), "new": .object(["a": .null, "b": .number(3)]),
        "config": .object(["gone": .null, "change": .string("new")]),
      ]
    }
    #expect(
      session.metadataText
        == #"{"config":{"change":"new","keep":2},"keep":1,"list":["c"],"new":{"b":3}}"#)
  }

  @Test func `Environment is merged`() throws {
    let session = try made(of: template { $0.environment = ["A": "1", "B": "2"] }) {
      $0.environment = ["B": "3", "C": "4"]
    }
    #expect(session.environment == ["A": "1", "B": "3", "C": "4"])
  }

  @Test func `Capabilities are the template's, then the standard ones, without duplicates`() throws {
    let source = template { template in
      template.capabilities = ["own", "both"]
      template.metadata = ["standardCapabilities": strings("both", "standard", "standard")]
      template.constraints = ["a:1"]
      template.metadata["standardConstraints"] = strings("b:2", "a:1", "cpu-priority:low")
    }
    let session = try made(of: source)
    #expect(session.capabilities == ["own", "both", "standard"])
    #expect(session.constraints == ["a:1", "b:2", "cpu-priority:low"])
    #expect(session.metadata == source.metadata)
  }

  @Test func `An override replaces all of the capabilities, and all of the constraints`() throws {
    let source = template { template in
      template.capabilities = ["own"]
      template.constraints = ["a:1"]
      template.metadata = ["standardCapabilities": strings("standard"), "standardConstraints": strings("b:2")]
    }
    let capable = try made(of: source) { $0.capabilities = ["other"] }
    #expect(capable.capabilities == ["other"] && capable.constraints == ["a:1", "b:2"])
    let limited = try made(of: source) { $0.constraints = ["max-cpu:1"] }
    #expect(limited.capabilities == ["own", "standard"] && limited.constraints == ["max-cpu:1"])
  }

  @Test func `The standard lists are those of the merged metadata`() throws {
    let source = template { template in
      template.capabilities = ["own"]
      template.metadata = ["standardCapabilities": strings("standard")]
    }
    let replaced = try made(of: source) { $0.metadata = ["standardCapabilities": strings("other")] }
    #expect(replaced.capabilities == ["own", "other"])
    let removed = try made(of: source) { $0.metadata = ["standardCapabilities": .null] }
    #expect(removed.capabilities == ["own"])
  }

  @Test func `Where there are no capabilities at all, metadata's are taken as for any session`() throws {
    let source = template { $0.metadata = ["capabilities": strings("a"), "constraints": strings("b:1")] }
    let session = try made(of: source)
    #expect(session.capabilities == ["a"] && session.constraints == ["b:1"])
    let other = try made(of: source) { $0.metadata = ["standardCapabilities": strings("s")] }
    #expect(other.capabilities == ["s"])
  }

  @Test func `Every violation is told with its path in the request`() {
    let everything: (inout Instantiation) -> Void = { instantiation in
      instantiation = Instantiation(
        templateName: "", name: "", workspace: "w", metadata: ["n": .number(.nan)], capabilities: ["a", "a"],
        constraints: ["max-memory:lots"], environment: ["1": ""], parentID: "director")
    }
    let expected = [
      "template_name", "name", "workspace", "metadata.n", "capabilities[1]", "constraints[0]", "environment.1",
      "parent_id",
    ]
    #expect(paths(of: template(), everything) == expected)
    #expect(paths(of: nil, everything) == expected)
  }

  @Test func `What is too much only together with the template is told`() {
    let full = template { template in
      template.metadata = ["k": .string(String(repeating: "x", count: 65536 - 8))]
      for number in 0..<256 { template.environment["V\(number)"] = "" }
      template.capabilities = (0..<128).map { "c\($0)" }
      template.constraints = ["max-memory:1gb"]
    }
    #expect(paths(of: full) == [])
    let more: (inout Instantiation) -> Void = { instantiation in
      instantiation.metadata = [
        "standardCapabilities": strings("more"), "standardConstraints": strings("max-memory:2gb"),
      ]
      instantiation.environment = ["V": ""]
    }
    #expect(
      paths(of: full, more) == [
        "metadata", "metadata.standardCapabilities", "metadata.standardConstraints[0]", "environment",
      ])
    #expect(paths(of: nil, more) == [])
    let swapped = paths(of: full) { instantiation in
      instantiation.metadata = ["k": .null, "j": .string(String(repeating: "x", count: 65536 - 8))]
    }
    #expect(swapped == [])
  }

  @Test func `Overrides that nest too deep are refused, and nothing follows them down`() {
    let deep = (0..<10_000).reduce(JSONValue.null) { value, _ in .object(["a": value]) }
    #expect(paths(of: template()) { $0.metadata = ["deep": deep] } == ["metadata.deep"])
    #expect(instantiation { $0.metadata = ["deep": deep] }.digest == [])
  }

  @Test func `Without a template there is no session`() {
    #expect(instantiation().check(over: nil).value == nil)
    #expect(instantiation().check(over: nil).violations == [])
  }

  @Test func `Equal requests have equal digests, and other requests have others`() {
    let changes: [(inout Instantiation) -> Void] = [
      { _ in }, { $0.templateName = "u" }, { $0.name = "m" }, { $0.workspace = "/" }, { $0.metadata = ["a": .null] },
      { $0.capabilities = ["a"] }, { $0.constraints = ["a"] }, { $0.environment = ["A": ""] }, { $0.parentID = "p" },
    ]
    let digests = changes.map { instantiation($0).digest }
    #expect(Set(digests).count == changes.count)
    #expect(changes.map { instantiation($0).digest } == digests)
  }
}
