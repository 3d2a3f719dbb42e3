import InteropAPI
import RPCCore

extension TestCalls {
  private static let requestSizes = [27_182, 8, 1828, 45_904]
  private static let responseSizes = [31_415, 9, 2653, 58_979]

  func clientStreaming() async throws {
    let response = try await service.streamingInputCall(options: options) { requests in
      for size in Self.requestSizes { try await requests.send(.with { $0.payload = .zeros(size) }) }
    }
    try expect("the sum of the sizes", response.aggregatedPayloadSize, 74_922)
  }

  func serverStreaming() async throws {
    let request = Grpc_Testing_StreamingOutputCallRequest.with {
      $0.responseParameters = Self.responseSizes.map { size in .with { $0.size = Int32(size) } }
    }
    try await expectSizes(Self.responseSizes, try await service.streamingOutputCall(request, options: options))
  }

  func pingPong() async throws {
    let call = service.fullDuplexCall(options: options)
    var responses = call.responses.makeAsyncIterator()
    for (requestSize, responseSize) in zip(Self.requestSizes, Self.responseSizes) {
      try await call.requests.send(.exchange(requestSize, for: responseSize))
      guard let response = try await responses.next() else { throw Mismatch("the stream ended early") }
      try expectZeros(response.payload, responseSize)
    }
    try await call.requests.finish()
    try expect("the response after the last", try await responses.next(), nil)
  }

  func emptyStream() async throws {
    let call = service.fullDuplexCall(options: options)
    try await call.requests.finish()
    try await expectSizes([], call.responses)
  }

  func cancelAfterBegin() async throws {
    let call = transport.open(Grpc_Testing_TestServiceMethods.streamingInputCall, options)
    call.cancel()
    try await expectFailure(.cancelled) { try await call.nextResponse() }
  }

  func cancelAfterFirstResponse() async throws {
    let call = service.fullDuplexCall(options: options)
    try await call.requests.send(.exchange(27_182, for: 31_415))
    var responses = call.responses.makeAsyncIterator()
    try expectZeros(try await responses.next()?.payload, 31_415)
    call.responses.cancel()
    try await expectFailure(.cancelled) { try await responses.next() }
  }

  func timeoutOnSleepingServer() async throws {
    try await expectFailure(.deadlineExceeded) {
      let call = service.fullDuplexCall(options: CallOptions(timeout: .milliseconds(1)))
      try await call.requests.send(.with { $0.payload = .zeros(27_182) })
      var responses = call.responses.makeAsyncIterator()
      return try await responses.next()
    }
  }

  /// - Throws: `Mismatch` unless the responses are zeros of `sizes`, and then no more.
  func expectSizes(
    _ sizes: [Int], _ responses: ResponseStream<Grpc_Testing_StreamingOutputCallResponse>
  ) async throws {
    var left = sizes[...]
    for try await response in responses {
      guard let size = left.popFirst() else { throw Mismatch("more responses came than \(sizes.count)") }
      try expectZeros(response.payload, size)
    }
    try expect("the number of missing responses", left.count, 0)
  }
}

extension Grpc_Testing_StreamingOutputCallRequest {
  fileprivate static func exchange(_ requestSize: Int, for responseSize: Int) -> Self {
    .with {
      $0.responseParameters = [.with { $0.size = Int32(responseSize) }]
      $0.payload = .zeros(requestSize)
    }
  }
}
