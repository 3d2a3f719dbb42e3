import InteropAPI
import RPCCore
import RPCInProcess
import RPCTestSupport
import Testing

@testable import interop_server

/// What no case of the client asks for.
@Suite(.timeLimit(.minutes(5))) struct TestServiceTests {
  private let clock = SteppedClock()
  private var client: Grpc_Testing_TestServiceClient {
    Grpc_Testing_TestServiceClient(
      InProcessTransport(services: [TestService(clock: clock) { 1_700_000_000_123_456_789 }]))
  }

  @Test(
    "A size that nobody should ask for is refused", arguments: [-1, Int32.min, Int32.max, 4_194_305])
  func size(bytes: Int32) async throws {
    let unary = await rpcError { try await client.unaryCall(.with { $0.responseSize = bytes }) }
    #expect(unary?.code == .invalidArgument)
    let responses = try await client.streamingOutputCall(
      .with { $0.responseParameters = [.with { $0.size = bytes }] })
    var iterator = responses.makeAsyncIterator()
    #expect(await rpcError { try await iterator.next() }?.code == .invalidArgument)
  }

  @Test func aPayloadTypeThatIsNotKnownIsRefused() async {
    let error = await rpcError { try await client.unaryCall(.with { $0.responseType = .init(rawValue: 1) }) }
    #expect(error?.code == .invalidArgument)
  }

  @Test(
    "A status is sent as it was asked for; one that is none is UNKNOWN, and OK is no error",
    arguments: [
      (5, StatusCode.notFound), (16, .unauthenticated), (17, .unknown), (-1, .unknown), (0, StatusCode?.none),
    ])
  func status(code: Int, expected: StatusCode?) async {
    let error = await rpcError {
      try await client.unaryCall(.with { $0.responseStatus = .with { $0.code = Int32(code) } })
    }
    #expect(error?.code == expected)
  }

  @Test func aStreamEndsWithItsStatusAfterItsResponses() async throws {
    let responses = try await client.streamingOutputCall(
      .with {
        $0.responseParameters = [.with { $0.size = 3 }]
        $0.responseStatus = .with { $0.code = 8 }
      })
    var iterator = responses.makeAsyncIterator()
    #expect(try await iterator.next()?.payload?.body == [0, 0, 0])
    #expect(await rpcError { try await iterator.next() }?.code == .resourceExhausted)
  }

  @Test func aResponseWaitsForItsInterval() async throws {
    let responses = try await client.streamingOutputCall(
      .with { $0.responseParameters = [.with { $0.size = 1 }, .with { ($0.size, $0.intervalUs) = (2, 500) }] })
    var iterator = responses.makeAsyncIterator()
    #expect(try await iterator.next()?.payload?.body.count == 1)
    try await clock.sleepers.wait { $0 == 1 }
    clock.advance(by: .microseconds(499))
    #expect(clock.sleepers.value == 1)
    clock.advance(by: .microseconds(1))
    #expect(try await iterator.next()?.payload?.body.count == 2)
    #expect(try await iterator.next() == nil)
  }

  @Test func aHalfDuplexCallAnswersOnceAllRequestsAreThere() async throws {
    let call = client.halfDuplexCall()
    for size: Int32 in [3, 1, 2] {
      try await call.requests.send(.with { $0.responseParameters = [.with { $0.size = size }] })
    }
    try await call.requests.finish()
    var sizes: [Int] = []
    for try await response in call.responses { sizes.append(response.payload?.body.count ?? 0) }
    #expect(sizes == [3, 1, 2])
  }

  @Test func aHalfDuplexCallTakesNothingInAfterAStatus() async throws {
    let call = client.halfDuplexCall()
    try await call.requests.send(.with { $0.responseParameters = [.with { $0.size = 1 }] })
    try await call.requests.send(.with { $0.responseStatus = .with { $0.code = 5 } })
    try await call.requests.send(.with { $0.responseParameters = [.with { $0.size = 2 }] })
    try await call.requests.finish()
    var iterator = call.responses.makeAsyncIterator()
    #expect(try await iterator.next()?.payload?.body.count == 1)
    #expect(await rpcError { try await iterator.next() }?.code == .notFound)
  }

  @Test func aHalfDuplexCallOwesSoMuchAndNoMore() async throws {
    let call = client.halfDuplexCall()
    let request = Grpc_Testing_StreamingOutputCallRequest.with {
      $0.responseParameters = Array(repeating: .init(), count: TestService.owedResponsesMax)
    }
    let error = await rpcError {
      try await call.requests.send(request)
      try await call.requests.send(request)
      try await call.requests.finish()
      var iterator = call.responses.makeAsyncIterator()
      return try await iterator.next()
    }
    #expect(error?.code == .resourceExhausted)
  }

  @Test func aCacheableResponseIsTheTimeAndSaysForHowLong() async throws {
    var options = CallOptions()
    let metadata = ResponseMetadata()
    options.responseMetadata = metadata
    let response = try await client.cacheableUnaryCall(.init(), options: options)
    #expect(response.payload?.body == Array("1700000000123456789".utf8))
    #expect(metadata.initial?[text: "cache-control"] == "max-age=60, public")
  }
}
