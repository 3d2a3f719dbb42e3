import InteropAPI
import RPCCore
import RPCInProcess
import RPCTestSupport
import Testing

@testable import interop_client
@testable import interop_server

@Suite(.timeLimit(.minutes(5))) struct TestCaseTests {
  @Test(
    "Client and server pass every case in one process",
    // Where there is no wire, nothing is compressed for it.
    arguments: TestCase.allCases.filter { !$0.rawValue.contains("compressed") })
  func passes(testCase: TestCase) async throws {
    try await testCase.run(on: InProcessTransport(services: [TestService { 0 }]))
  }

  @Test(
    "A case fails where the server does otherwise",
    // An empty message cannot be wrong; and whatever the server does, a call that is cancelled is cancelled.
    arguments: TestCase.allCases.filter { ![.emptyUnary, .cancelAfterBegin].contains($0) })
  func fails(testCase: TestCase) async throws {
    let transport = InProcessTransport(services: [WrongService(), WrongUnimplementedService()])
    await #expect(throws: Mismatch.self) { try await testCase.run(on: transport) }
  }
}

/// Does everything a little otherwise than it should.
private struct WrongService: Grpc_Testing_TestService {
  func emptyCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_Empty> {
    try ServerResponse(request)
  }

  func unaryCall(
    _ request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_SimpleResponse> {
    if let status = request.responseStatus { throw RPCError(.unknown, status.message + "!") }
    // The right size, but without the metadata.
    let size = context.metadata.isEmpty ? request.responseSize + 1 : request.responseSize
    return try ServerResponse(.with { $0.payload = .zeros(Int(size)) })
  }

  func cacheableUnaryCall(
    _ request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_SimpleResponse> {
    try ServerResponse(Grpc_Testing_SimpleResponse())
  }

  func streamingOutputCall(
    _ request: Grpc_Testing_StreamingOutputCallRequest,
    to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    for parameters in request.responseParameters.dropLast() {
      try await responses.send(.with { $0.payload = .zeros(Int(parameters.size)) })
    }
  }

  func streamingInputCall(
    _ requests: RequestStream<Grpc_Testing_StreamingInputCallRequest>, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_StreamingInputCallResponse> {
    try ServerResponse(Grpc_Testing_StreamingInputCallResponse())
  }

  func fullDuplexCall(
    _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    try await responses.send(.with { $0.payload = .with { $0.body = [1] } })
  }

  func halfDuplexCall(
    _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {}

  func unimplementedCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_Empty> {
    try ServerResponse(request)
  }
}

private struct WrongUnimplementedService: Grpc_Testing_UnimplementedService {
  func unimplementedCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_Empty> {
    try ServerResponse(request)
  }
}
