import ProtobufWellKnownTypes
import RPCCore
import RPCServices
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

extension ServiceFixture {
  @discardableResult
  func createTemplate(
    _ name: String, set: (inout SessionAPI.Template) -> Void = { _ in }
  ) async throws -> SessionAPI.Template {
    var template = SessionAPI.Template.with {
      $0.name = name
      $0.type = .department
    }
    set(&template)
    let input = template
    return try await templates.createTemplate(.with { $0.template = input }).template ?? .init()
  }

  func instantiate(
    _ template: String, set: (inout InstantiateTemplateRequest) -> Void = { _ in }
  ) async throws -> SessionAPI.Session {
    var request = InstantiateTemplateRequest.with {
      $0.templateName = template
      $0.name = "made"
      $0.workspace = "/made"
    }
    set(&request)
    return try await templates.instantiateTemplate(request).session ?? .init()
  }
}

/// TemplateService over a real store.
@Suite(.timeLimit(.minutes(5))) struct TemplateHandlerTests {
  @Test func aTemplateIsCreatedReadListedAndDeleted() async throws {
    try await withServices { services in
      let created = try await services.createTemplate("data") {
        $0.metadata = Google_Protobuf_Struct(["domain": .string("data"), "gone": .null])
        $0.capabilities = ["batch"]
        $0.constraints = ["max-memory:4gb"]
        $0.environment = ["A": "1"]
        $0.createTime = .with { $0.seconds = 1 }
      }
      #expect(created.name == "data" && created.type == .department)
      #expect(created.metadata?.members == ["domain": .string("data")])
      #expect(created.capabilities == ["batch"] && created.constraints == ["max-memory:4gb"])
      #expect(created.environment == ["A": "1"] && (created.createTime?.seconds ?? 0) > 1)
      #expect(try await services.templates.getTemplate(.with { $0.name = "data" }).template == created)
      let page = try await services.templates.listTemplates(.init())
      #expect(page.templates == [created] && page.nextPageToken.isEmpty)
      _ = try await services.templates.deleteTemplate(.with { $0.name = "data" })
      let missing = Refusal(code: .notFound, reason: "TEMPLATE_NOT_FOUND", metadata: ["template_name": "data"])
      #expect(try await refusal { try await services.templates.getTemplate(.with { $0.name = "data" }) } == missing)
      let again = try await refusal { try await services.templates.deleteTemplate(.with { $0.name = "data" }) }
      #expect(again == missing)
    }
  }

  @Test func templatesComeInPages() async throws {
    try await withServices { services in
      for name in ["c", "a", "b"] { try await services.createTemplate(name) }
      let first = try await services.templates.listTemplates(.with { $0.pageSize = 2 })
      #expect(first.templates.map(\.name) == ["a", "b"])
      let second = try await services.templates.listTemplates(.with { $0.pageToken = first.nextPageToken })
      #expect(second.templates.map(\.name) == ["c"] && second.nextPageToken.isEmpty)
      let wrong = try await refusal { try await services.templates.listTemplates(.with { $0.pageToken = "x" }) }
      #expect(wrong?.reason == "PAGE_TOKEN_INVALID")
      let negative = try await refusal { try await services.templates.listTemplates(.with { $0.pageSize = -1 }) }
      #expect(negative?.metadata == ["field": "page_size"])
    }
  }

  @Test func aSessionIsMadeFromATemplate() async throws {
    try await withServices { services in
      try await services.createTemplate("data") {
        $0.metadata = Google_Protobuf_Struct([
          "config": .object(["a": .number(1), "b": .number(2)]), "standardCapabilities": .array([.string("standard")]),
        ])
        $0.capabilities = ["own"]
        $0.environment = ["A": "1", "B": "2"]
      }
      let director = try await services.create("director", .director)
      let made = try await services.instantiate("data") {
        $0.metadata = Google_Protobuf_Struct(["config": .object(["a": .null, "c": .number(3)])])
        $0.environment = ["B": "3"]
        $0.parentID = director.id
        $0.constraints = ["max-cpu:1"]
      }
      #expect(made.type == .department && made.status == .initializing && made.templateName == "data")
      #expect(made.name == "made" && made.workspace == "/made" && made.parentID == director.id)
      #expect(made.metadata?.members["config"] == .object(["b": .number(2), "c": .number(3)]))
      #expect(made.capabilities == ["own", "standard"] && made.constraints == ["max-cpu:1"])
      #expect(made.environment == ["A": "1", "B": "3"])
      #expect(try await services.get(made.id) == made)
      let other = try await services.instantiate("data") { $0.capabilities = ["other"] }
      #expect(other.capabilities == ["other"])
    }
  }

  @Test func aRepeatedInstantiationIsAnsweredAsTheFirst() async throws {
    try await withServices { services in
      try await services.createTemplate("data")
      let first = try await services.instantiate("data") { $0.requestID = "r1" }
      #expect(try await services.instantiate("data") { $0.requestID = "r1" } == first)
      #expect(try await services.instantiate("data").id != first.id)
      let reused = try await refusal {
        try await services.instantiate("data") {
          $0.requestID = "r1"
          $0.workspace = "/other"
        }
      }
      #expect(reused?.reason == "REQUEST_ID_REUSED")
      // An id counts per method.
      let created = try await services.sessions.createSession(
        .with {
          $0.session = .with {
            $0.type = .active
            $0.name = "a"
            $0.workspace = "/a"
          }
          $0.requestID = "r1"
        })
      #expect(created.session?.id != first.id)
    }
  }

  @Test func everythingWrongWithATemplateIsToldAtOnce() async throws {
    try await withServices { services in
      let paths = try await violations {
        try await services.createTemplate("No") {
          $0.type = .unspecified
          $0.metadata = .with { $0.fields = ["b": .init(), "a": .init()] }
          $0.environment = ["-": ""]
        }
      }
      #expect(
        paths == [
          "template.name", "template.type", "template.environment.-", "template.metadata.a", "template.metadata.b",
        ])
      #expect(try await violations { try await services.templates.createTemplate(.init()) } == ["template"])
      #expect(try await violations { try await services.templates.getTemplate(.init()) } == ["name"])
      #expect(try await violations { try await services.templates.deleteTemplate(.init()) } == ["name"])
    }
  }

  @Test func everythingWrongWithAnInstantiationIsToldAtOnce() async throws {
    try await withServices { services in
      #expect(
        try await violations { try await services.templates.instantiateTemplate(.init()) }
          == ["template_name", "name", "workspace"])
      let paths = try await violations {
        try await services.instantiate("data") {
          $0.name = ""
          $0.metadata = .with { $0.fields = ["a": .init()] }
        }
      }
      #expect(paths == ["name", "metadata.a"])
      // With what only the template and the other sessions tell.
      try await services.createTemplate("strict") { $0.environment = ["A": "1"] }
      let more = try await violations {
        try await services.instantiate("strict") {
          $0.metadata = .with {
            $0.fields = ["a": .init(), "standardConstraints": .init(.array([.string("nonsense")]))]
          }
          $0.parentID = "01890a5d-ac96-774b-bcce-b302099a8057"
        }
      }
      #expect(more == ["metadata.standardConstraints[0]", "metadata.a", "parent_id"])
      let missing = try await refusal { try await services.instantiate("data") }
      #expect(
        missing == Refusal(code: .notFound, reason: "TEMPLATE_NOT_FOUND", metadata: ["template_name": "data"]))
    }
  }

  @Test func aTakenNameIsToldWithItsResource() async throws {
    try await withServices { services in
      try await services.createTemplate("data")
      let thrown = await rpcError { try await services.createTemplate("data") }
      let error = try #require(thrown)
      #expect(
        try Refusal(error)
          == Refusal(code: .alreadyExists, reason: "TEMPLATE_EXISTS", metadata: ["template_name": "data"]))
      let resource = try error.details.compactMap { try $0.unpacked(as: Google_Rpc_ResourceInfo.self) }.first
      #expect(resource?.resourceType == "orchestration.session.v1.Template" && resource?.resourceName == "data")
    }
  }
}

/// The paths of the violations that `body` is refused with.
func violations(_ body: () async throws -> some Sendable) async throws -> [String] {
  let details = try await rpcError(body)?.details ?? []
  let requests = try details.compactMap { try $0.unpacked(as: Google_Rpc_BadRequest.self) }
  return requests.flatMap(\.fieldViolations).map(\.field)
}
