import InteropAPI
import RPCCore

extension TestCalls {
  /// Bytes of the payloads that go to the server and come back.
  static let (requestBytes, responseBytes) = (271_828, 314_159)

  /// A large request for a large response.
  var largeRequest: Grpc_Testing_SimpleRequest {
    .with {
      $0.responseSize = Int32(Self.responseBytes)
      $0.payload = .zeros(Self.requestBytes)
    }
  }

  func emptyUnary() async throws {
    let response = try await service.emptyCall(Grpc_Testing_Empty(), options: options)
    try expect("the response", response, Grpc_Testing_Empty())
  }

  func largeUnary() async throws {
    let response = try await service.unaryCall(largeRequest, options: options)
    try expectZeros(response.payload, Self.responseBytes)
  }

  func unimplementedMethod() async throws {
    try await expectFailure(.unimplemented) {
      try await service.unimplementedCall(Grpc_Testing_Empty(), options: options)
    }
  }

  func unimplementedService() async throws {
    let service = Grpc_Testing_UnimplementedServiceClient(transport)
    try await expectFailure(.unimplemented) {
      try await service.unimplementedCall(Grpc_Testing_Empty(), options: options)
    }
  }
}
