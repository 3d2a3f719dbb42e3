import GoldenMessages
import ProtobufC
import ProtobufWellKnownTypes
import RPCCore
import Testing

@Suite struct ServiceTests {
  /// Answers with what it was asked.
  private struct Service: GoldenMessages.Calls {
    func unary(_ request: Scalars, context: RPCCore.ServerContext) async throws -> ServerResponse<Repeated> {
      try ServerResponse(.with { $0.messages = [request] })
    }

    func serverStreaming(
      _ request: Scalars, to responses: ResponseWriter<Outer.Inner>, context: RPCCore.ServerContext
    ) async throws {
      for level in request.bytesValue {
        try await responses.send(.with { $0.outerLevel = Level(rawValue: Int32(level)) })
      }
    }

    func clientStreaming(
      _ requests: RequestStream<Outer.Inner.Scalars>, context: RPCCore.ServerContext
    ) async throws -> ServerResponse<Google_Protobuf_Empty> {
      for try await _ in requests {}
      return try ServerResponse(Google_Protobuf_Empty())
    }

    func bidirectional(
      _ requests: RequestStream<Google_Protobuf_Timestamp>, to responses: ResponseWriter<Nothing>,
      context: RPCCore.ServerContext
    ) async throws {
      for try await _ in requests { try await responses.send(Nothing()) }
    }
  }

  /// A service whose names are taken by messages, with methods named by keywords.
  private struct Keywords: GoldenMessages.DefaultService {
    func `default`(
      _ request: GoldenMessages.ServerContext, context: RPCCore.ServerContext
    ) async throws -> ServerResponse<GoldenMessages.MethodDescriptor> {
      try ServerResponse(GoldenMessages.MethodDescriptor())
    }

    func init_(
      _ request: TypeMessage, to responses: ResponseWriter<ProtocolMessage>, context: RPCCore.ServerContext
    ) async throws {}

    func self_(
      _ requests: RequestStream<GoldenMessages.Field>, context: RPCCore.ServerContext
    ) async throws -> ServerResponse<GoldenMessages.Field.CMessage_> {
      try ServerResponse(GoldenMessages.Field.CMessage_())
    }

    func name(
      _ requests: RequestStream<Words>, to responses: ResponseWriter<Choices>, context: RPCCore.ServerContext
    ) async throws {}

    func `import`(_ request: Words, context: RPCCore.ServerContext) async throws -> ServerResponse<Words> {
      try ServerResponse(request)
    }

    func methods(_ request: Words, context: RPCCore.ServerContext) async throws -> ServerResponse<Words> {
      try ServerResponse(request)
    }

    func doIt(_ request: Words, context: RPCCore.ServerContext) async throws -> ServerResponse<Words> {
      try ServerResponse(request)
    }

    func DoIt(_ request: Words, context: RPCCore.ServerContext) async throws -> ServerResponse<Words> {
      try ServerResponse(request)
    }
  }

  @Test("The routing table names every method, with how its requests come in")
  func routes() {
    let methods = Service().methods
    #expect(
      methods.map(\.descriptor.path) == [
        "/golden.Calls/Unary", "/golden.Calls/ServerStreaming", "/golden.Calls/ClientStreaming",
        "/golden.Calls/Bidirectional",
      ])
    let takeOneRequest = methods.map { method in
      switch method.handler {
      case .oneRequest: true
      case .manyRequests: false
      }
    }
    #expect(takeOneRequest == [true, true, false, false])
    #expect(CallsMethods.name == "golden.Calls")
    #expect(CallsMethods.unary == methods[0].descriptor)
    #expect(Service().fileDescriptor === FileDescriptor.golden_everything_proto)
  }

  @Test("Methods named by keywords are routed by their names in the proto")
  func keywordRoutes() {
    #expect(
      Keywords().methods.map(\.descriptor.method)
        == ["Default", "Init", "Self", "Name", "Import", "Methods", "doIt", "DoIt"])
    #expect(DefaultServiceMethods.name == "golden.keywords.Default")
    #expect(DefaultServiceMethods.name_.path == "/golden.keywords.Default/Name")
  }

  @Test("A router finds the generated methods by path")
  func router() throws {
    let router = Router([Service(), Keywords()])
    for method in Service().methods + Keywords().methods {
      var path = method.descriptor.path
      let found = path.withUTF8 { router.method(for: UnsafeRawBufferPointer($0)) }
      #expect(found?.descriptor == method.descriptor)
    }
  }
}
