import InteropAPI
import ProtobufC
import RPCCore

extension TestCalls {
  private var compressing: CallOptions {
    var compressing = options
    compressing.compression = .gzip
    return compressing
  }

  func clientCompressedUnary() async throws {
    var request = largeRequest
    request.expectCompressed = .with { $0.value = true }
    try await expectFailure(.invalidArgument) { try await service.unaryCall(request, options: options) }
    let first = try await service.unaryCall(request, options: compressing)
    try expectZeros(first.payload, Self.responseBytes)
    request.expectCompressed = .with { $0.value = false }
    let second = try await service.unaryCall(request, options: options)
    try expectZeros(second.payload, Self.responseBytes)
  }

  func clientCompressedStreaming() async throws {
    func request(_ size: Int, compressed: Bool) -> Grpc_Testing_StreamingInputCallRequest {
      .with {
        $0.expectCompressed = .with { $0.value = compressed }
        $0.payload = .zeros(size)
      }
    }
    try await expectFailure(.invalidArgument) {
      try await service.streamingInputCall(options: options) { requests in
        try await requests.send(request(27_182, compressed: true))
      }
    }
    let response = try await service.streamingInputCall(options: compressing) { requests in
      try await requests.send(request(27_182, compressed: true))
      try await requests.send(request(45_904, compressed: false), isCompressible: false)
    }
    try expect("the sum of the sizes", response.aggregatedPayloadSize, 73_086)
  }

  func serverCompressedUnary() async throws {
    for isCompressed in [true, false] {
      var request = largeRequest
      request.responseCompressed = .with { $0.value = isCompressed }
      let frames = try await frames(of: Grpc_Testing_TestServiceMethods.unaryCall, answering: request)
      try expect("the compression of the responses", frames.map(\.wasCompressed), [isCompressed])
      for frame in frames {
        let response = try frame.withPayload { try Grpc_Testing_SimpleResponse(decoding: $0) }
        try expectZeros(response.payload, Self.responseBytes)
      }
    }
  }

  func serverCompressedStreaming() async throws {
    let expected: [(size: Int, isCompressed: Bool)] = [(31_415, true), (92_653, false)]
    let request = Grpc_Testing_StreamingOutputCallRequest.with {
      $0.responseParameters = expected.map { response in
        .with {
          $0.size = Int32(response.size)
          $0.compressed = .with { $0.value = response.isCompressed }
        }
      }
    }
    let frames = try await frames(of: Grpc_Testing_TestServiceMethods.streamingOutputCall, answering: request)
    try expect("the compression of the responses", frames.map(\.wasCompressed), expected.map(\.isCompressed))
    for (frame, response) in zip(frames, expected) {
      let answer = try frame.withPayload { try Grpc_Testing_StreamingOutputCallResponse(decoding: $0) }
      try expectZeros(answer.payload, response.size)
    }
  }

  // Stubs give messages, which do not tell how they came.
  private func frames(
    of method: MethodDescriptor, answering request: some ProtobufMessage
  ) async throws -> [FramedMessage] {
    let call = transport.open(method, options)
    try await call.send(.framing(request))
    try await call.finishSending()
    var frames: [FramedMessage] = []
    while let frame = try await call.nextResponse() { frames.append(frame) }
    return frames
  }
}
