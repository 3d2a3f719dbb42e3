import ProtobufC
import RPCCore
import RPCInProcess
import RPCServices
import RPCTestSupport
import Testing

typealias ReflectionRequest = Grpc_Reflection_V1_ServerReflectionRequest
typealias ReflectionResponse = Grpc_Reflection_V1_ServerReflectionResponse

@Suite(.timeLimit(.minutes(5))) struct ReflectionServiceTests {
  private let transport: InProcessTransport

  init() throws {
    let described: [any RPCService] = [HealthService(services: []), HandMadeService.echo]
    transport = InProcessTransport(services: described + (try ReflectionService.versions(describing: described)))
  }

  /// What one stream answers.
  private func answers(to requests: [ReflectionRequest.OneOf_MessageRequest?]) async throws -> [ReflectionResponse] {
    let call = Grpc_Reflection_V1_ServerReflectionClient(transport).serverReflectionInfo()
    var responses = call.responses.makeAsyncIterator()
    var answers: [ReflectionResponse] = []
    for request in requests {
      try await call.requests.send(
        .with {
          $0.host = "example"
          $0.messageRequest = request
        })
      answers.append(try #require(try await responses.next()))
    }
    try await call.requests.finish()
    #expect(try await responses.next() == nil)
    return answers
  }

  private func answer(to request: ReflectionRequest.OneOf_MessageRequest?) async throws -> ReflectionResponse {
    try #require(try await answers(to: [request]).first)
  }

  private let health = FileDescriptor.grpc_health_v1_health_proto

  @Test func theServedServicesAreListedWithReflectionItself() async throws {
    guard case .listServicesResponse(let list) = try await answer(to: .listServices("")).messageResponse else {
      Issue.record("no list")
      return
    }
    #expect(
      list.service.map(\.name) == [
        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
        "test.Calls",
      ])
  }

  @Test func anAnswerRepeatsItsRequest() async throws {
    let response = try await answer(to: .listServices("*"))
    #expect(response.validHost == "example")
    #expect(response.originalRequest?.messageRequest == .listServices("*"))
  }

  @Test(
    "A file is found by its path and by every name that it declares",
    arguments: [
      ReflectionRequest.OneOf_MessageRequest.fileByFilename("grpc/health/v1/health.proto"),
      .fileContainingSymbol("grpc.health.v1.Health"), .fileContainingSymbol("grpc.health.v1.Health.Check"),
      .fileContainingSymbol("grpc.health.v1.HealthCheckRequest"),
      .fileContainingSymbol("grpc.health.v1.HealthCheckRequest.service"),
      .fileContainingSymbol("grpc.health.v1.HealthCheckResponse.ServingStatus"),
      .fileContainingSymbol("grpc.health.v1.HealthCheckResponse.SERVING"),
    ])
  func file(request: ReflectionRequest.OneOf_MessageRequest) async throws {
    #expect(try await answer(to: request).files == [health.serialized])
  }

  @Test(
    "What is not there is an error in the stream, which goes on",
    arguments: [
      ReflectionRequest.OneOf_MessageRequest.fileByFilename("health.proto"), .fileByFilename(""),
      .fileContainingSymbol("grpc.health.v1"), .fileContainingSymbol("grpc.health.v1.Health."),
      .fileContainingSymbol("test.Calls"), .allExtensionNumbersOfType("grpc.health.v1.Nothing"),
      .fileContainingExtension(
        .with {
          $0.containingType = "grpc.health.v1.HealthCheckRequest"
          $0.extensionNumber = 1
        }),
    ])
  func missing(request: ReflectionRequest.OneOf_MessageRequest) async throws {
    let answers = try await answers(to: [request, .fileByFilename(health.path)])
    #expect(answers.first?.errorCode == StatusCode.notFound.rawValue)
    #expect(answers.last?.files == [health.serialized])
  }

  @Test func aRequestForNothingIsInvalid() async throws {
    #expect(try await answer(to: nil).errorCode == StatusCode.invalidArgument.rawValue)
  }

  @Test func anErrorStaysShortWhateverWasAskedFor() async throws {
    let response = try await answer(to: .fileContainingSymbol(String(repeating: "x", count: 100_000)))
    guard case .errorResponse(let error) = response.messageResponse else {
      Issue.record("no error")
      return
    }
    #expect(error.errorMessage.utf8.count == 256)
  }

  @Test func aMessageThatNothingExtendsHasNoExtensions() async throws {
    let name = "grpc.health.v1.HealthCheckRequest"
    guard
      case .allExtensionNumbersResponse(let numbers) = try await answer(to: .allExtensionNumbersOfType(name))
        .messageResponse
    else {
      Issue.record("no numbers")
      return
    }
    #expect(numbers.baseTypeName == name)
    #expect(numbers.extensionNumber.isEmpty)
  }

  @Test func theOlderVersionAnswersTheSame() async throws {
    let call = Grpc_Reflection_V1alpha_ServerReflectionClient(transport).serverReflectionInfo()
    try await call.requests.send(.with { $0.messageRequest = .fileContainingSymbol("grpc.health.v1.Health") })
    try await call.requests.finish()
    var responses = call.responses.makeAsyncIterator()
    let response = try #require(try await responses.next())
    guard case .fileDescriptorResponse(let files) = response.messageResponse else {
      Issue.record("no file")
      return
    }
    #expect(files.fileDescriptorProto == [health.serialized])
    #expect(response.originalRequest?.messageRequest == .fileContainingSymbol("grpc.health.v1.Health"))
    #expect(try await responses.next() == nil)
  }
}

/// Files that import one another, and extend what they import.
@Suite(.timeLimit(.minutes(5))) struct ReflectedFilesTests {
  /// A service without methods, declared in a file.
  private struct Declared: RPCService {
    let file: FileDescriptor
    var methods: [ServerMethod] { [] }
    var fileDescriptor: FileDescriptor? { file }
  }

  private let top: FileDescriptor
  private let call: BidirectionalCall<ReflectionRequest, ReflectionResponse>

  // top imports left and right, which both import base; top extends base.Options by the fields 9 and 5.
  init() throws {
    func file(_ name: String, _ dependencies: [FileDescriptor], _ declarations: String) -> FileDescriptor {
      let count = { (text: String) in String(UnicodeScalar(UInt8(text.utf8.count))) }
      return FileDescriptor(
        "\(name).proto", dependencies: dependencies, serialized: "\u{12}\(count(name))\(name)\(declarations)")
    }
    let base = file("base", [], "\"\u{9}\n\u{7}Options")
    let (left, right) = (file("left", [base], ""), file("right", [base], ""))
    top = file(
      "top", [left, right],
      ":\u{14}\n\u{1}b\u{12}\u{d}.base.Options\u{18}\u{9}" + ":\u{14}\n\u{1}a\u{12}\u{d}.base.Options\u{18}\u{5}")
    let services = try ReflectionService.versions(describing: [Declared(file: top)])
    call = Grpc_Reflection_V1_ServerReflectionClient(InProcessTransport(services: services)).serverReflectionInfo()
  }

  private func answer(to request: ReflectionRequest.OneOf_MessageRequest) async throws -> ReflectionResponse? {
    try await call.requests.send(.with { $0.messageRequest = request })
    var responses = call.responses.makeAsyncIterator()
    return try await responses.next()
  }

  private func files(_ name: String) async throws -> [String]? {
    try await answer(to: .fileByFilename("\(name).proto"))?.files?.map { file in
      // The package, which is the file's name here.
      String(decoding: file.dropFirst(2).prefix(Int(file[1])), as: UTF8.self)
    }
  }

  @Test func aFileComesWithAllThatItImportsEachOnce() async throws {
    #expect(try await files("top") == ["top", "left", "right", "base"])
  }

  @Test func whatAStreamSentIsSentAgainOnlyWhenItIsAskedFor() async throws {
    #expect(try await files("left") == ["left", "base"])
    #expect(try await files("right") == ["right"])
    #expect(try await files("base") == ["base"])
    #expect(try await files("top") == ["top"])
    #expect(try await files("top") == ["top"])
  }

  @Test func anExtensionIsFoundByItsNumber() async throws {
    let extensions = ReflectionRequest.OneOf_MessageRequest.fileContainingExtension(
      .with {
        $0.containingType = "base.Options"
        $0.extensionNumber = 5
      })
    #expect(try await answer(to: extensions)?.files?.first == top.serialized)
    let numbers = try await answer(to: .allExtensionNumbersOfType("base.Options"))?.messageResponse
    #expect(
      numbers
        == .allExtensionNumbersResponse(
          .with {
            $0.baseTypeName = "base.Options"
            $0.extensionNumber = [5, 9]
          }))
  }
}

extension ReflectionResponse {
  fileprivate var files: [[UInt8]]? {
    guard case .fileDescriptorResponse(let response) = messageResponse else { return nil }
    return response.fileDescriptorProto
  }

  fileprivate var errorCode: Int? {
    guard case .errorResponse(let error) = messageResponse else { return nil }
    return Int(error.errorCode)
  }
}
