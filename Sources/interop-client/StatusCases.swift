import InteropAPI
import RPCCore

/// What goes with calls besides messages: statuses and metadata.
extension TestCalls {
  func statusCodeAndMessage() async throws {
    let status = Grpc_Testing_EchoStatus.with {
      $0.code = Int32(StatusCode.unknown.rawValue)
      $0.message = "test status message"
    }
    try await expectEcho(status)
    try await expectFailure(.unknown, message: status.message) {
      let call = service.fullDuplexCall(options: options)
      try await call.requests.send(.with { $0.responseStatus = status })
      try await call.requests.finish()
      var responses = call.responses.makeAsyncIterator()
      return try await responses.next()
    }
  }

  func specialStatusMessage() async throws {
    try await expectEcho(
      .with {
        $0.code = Int32(StatusCode.unknown.rawValue)
        $0.message = "\t\ntest with whitespace\r\nand Unicode BMP \u{263A} and non-BMP \u{1F608}\t\n"
      })
  }

  private func expectEcho(_ status: Grpc_Testing_EchoStatus) async throws {
    try await expectFailure(.unknown, message: status.message) {
      try await service.unaryCall(.with { $0.responseStatus = status }, options: options)
    }
  }

  func customMetadata() async throws {
    let unary = MetadataProbe(options)
    let response = try await service.unaryCall(largeRequest, options: unary.options)
    try expectZeros(response.payload, Self.responseBytes)
    try unary.expectEcho()

    let duplex = MetadataProbe(options)
    let call = service.fullDuplexCall(options: duplex.options)
    try await call.requests.send(
      .with {
        $0.responseParameters = [.with { $0.size = Int32(Self.responseBytes) }]
        $0.payload = .zeros(Self.requestBytes)
      })
    try await call.requests.finish()
    try await expectSizes([Self.responseBytes], call.responses)
    try duplex.expectEcho()
  }
}

/// Metadata that one call sends and expects back.
private struct MetadataProbe {
  private static let initial = (key: "x-grpc-test-echo-initial", value: "test_initial_metadata_value")
  private static let trailing = (key: "x-grpc-test-echo-trailing-bin", value: [UInt8](repeating: 0xAB, count: 3))

  private(set) var options: CallOptions
  private let response = ResponseMetadata()

  init(_ options: CallOptions) {
    self.options = options
    self.options.metadata.add(Self.initial.key, Self.initial.value)
    self.options.metadata.add(Self.trailing.key, Self.trailing.value)
    self.options.responseMetadata = response
  }

  func expectEcho() throws {
    try expect("the initial metadata", response.initial?[text: Self.initial.key], Self.initial.value)
    try expect("the trailing metadata", response.trailers[binary: Self.trailing.key], Self.trailing.value)
  }
}
