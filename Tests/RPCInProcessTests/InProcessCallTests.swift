import ProtobufWellKnownTypes
import RPCCore
import RPCInProcess
import RPCTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct InProcessCallTests {
  private let echo = InProcessTransport(services: [HandMadeService.echo])

  @Test func aUnaryCallIsAnswered() async throws {
    let answer: Text = try await echo.unary(Calls.unary, Text("hello"), CallOptions())
    #expect(answer.value == "hello")
  }

  @Test func serverStreamingGivesEveryResponseInOrder() async throws {
    let responses: ResponseStream<Text> = try await echo.serverStreaming(
      Calls.serverStreaming, Text("500"), CallOptions())
    var received: [String] = []
    for try await response in responses { received.append(response.value) }
    #expect(received == (0..<500).map { "\($0)" })
  }

  @Test func clientStreamingTakesEveryRequestInOrder() async throws {
    let answer: Text = try await echo.clientStreaming(Calls.clientStreaming, CallOptions()) {
      (requests: RequestWriter<Text>) in
      for number in 0..<100 { try await requests.send(Text("\(number)")) }
    }
    #expect(answer.value == (0..<100).map { "\($0)" }.joined(separator: ","))
  }

  @Test func bothDirectionsGoAtTheirOwnPace() async throws {
    let call: BidirectionalCall<Text, Text> = echo.bidirectionalStreaming(Calls.bidirectional, CallOptions())
    var responses = call.responses.makeAsyncIterator()
    for number in 0..<100 {
      try await call.requests.send(Text("\(number)"))
      #expect(try await responses.next()?.value == "\(number)")
    }
    try await call.requests.finish()
    #expect(try await responses.next() == nil)
  }

  @Test func metadataGoesBothWays() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        var response = try ServerResponse(Text(context.metadata[text: "x-name"] ?? ""))
        response.metadata.add("x-first", "1")
        response.trailers.add("x-last-bin", [2])
        return response
      })
    var options = CallOptions()
    options.metadata.add("x-name", "ada")
    let call = InProcessTransport(services: [service]).open(Calls.unary, options)
    try await call.send(.framing(Text()))
    try await call.finishSending()
    let response = try #require(try await call.nextResponse())
    #expect(try response.withPayload { try Text(decoding: $0) }.value == "ada")
    #expect(call.initialMetadata?[text: "x-first"] == "1")
    #expect(try await call.nextResponse() == nil)
    #expect(call.trailers[binary: "x-last-bin"] == [2])
  }

  @Test func metadataAfterTheFirstResponseIsIgnored() async throws {
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        var early = Metadata()
        early.add("x-early", "1")
        responses.send(early)
        try await responses.send(Text("1"))
        var late = Metadata()
        late.add("x-late", "1")
        responses.send(late)
      })
    let call = InProcessTransport(services: [service]).open(Calls.serverStreaming, CallOptions())
    try await call.send(.framing(Text()))
    try await call.finishSending()
    while try await call.nextResponse() != nil {}
    #expect(call.initialMetadata?.entries.map(\.key) == ["x-early"])
  }

  @Test func anErrorComesAfterTheResponsesBeforeItWithItsTrailers() async throws {
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        var trailers = Metadata()
        trailers.add("x-added", "2")
        responses.addTrailers(trailers)
        var error = RPCError(.dataLoss, "gone", cause: CancellationError())
        error.trailers.add("x-error", "1")
        throw error
      })
    let responses: ResponseStream<Text> = try await InProcessTransport(services: [service])
      .serverStreaming(Calls.serverStreaming, Text(), CallOptions())
    var iterator = responses.makeAsyncIterator()
    #expect(try await iterator.next()?.value == "1")
    let ending = await rpcError { try await iterator.next() }
    let error = try #require(ending)
    #expect(error.code == .dataLoss)
    #expect(error.message == "gone")
    #expect(error.trailers.entries.map(\.key) == ["x-error", "x-added"])
    #expect(error.cause == nil)
  }

  @Test func whatIsNotAnRPCErrorStaysInside() async throws {
    struct Secret: Error {}
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in throw Secret() })
    let refusal = await rpcError {
      let answer: Text = try await InProcessTransport(services: [service])
        .unary(Calls.unary, Text(), CallOptions())
      return answer
    }
    let error = try #require(refusal)
    #expect(error.code == .internal)
    #expect(error.message == "internal error")
    #expect(error.cause == nil)
  }

  @Test func anUnknownMethodIsRefused() async throws {
    let refusal = await rpcError {
      let answer: Text = try await echo.unary(.test("Nothing"), Text(), CallOptions())
      return answer
    }
    let error = try #require(refusal)
    #expect(error.code == .unimplemented)
    #expect(error.message == "unknown method Nothing for service test.Calls")
  }

  @Test(arguments: [0, 2, 3]) func aUnaryCallTakesExactlyOneRequest(count: Int) async throws {
    let call = echo.open(Calls.unary, CallOptions())
    for _ in 0..<count { try await call.send(.framing(Text("hello"))) }
    try await call.finishSending()
    #expect(await rpcError { try await call.nextResponse() }?.code == .unimplemented)
  }

  @Test func aRequestOverTheLimitEndsTheCall() async throws {
    var configuration = InProcessTransport.Configuration()
    configuration.messageBytesMax = 10
    let transport = InProcessTransport(services: [HandMadeService.echo], configuration: configuration)
    let answer: Text = try await transport.unary(Calls.unary, Text("12345678"), CallOptions())
    #expect(answer.value == "12345678")
    let error = await rpcError {
      let answer: Text = try await transport.unary(Calls.unary, Text("123456789"), CallOptions())
      return answer
    }
    #expect(error?.code == .resourceExhausted)
  }

  @Test func bytesThatAreNoMessageAreRefused() async throws {
    let call = echo.open(Calls.unary, CallOptions())
    try await call.send(
      FramedMessage(payloadBytes: 1) { $0.storeBytes(of: 0xFF, as: UInt8.self) })
    try await call.finishSending()
    #expect(await rpcError { try await call.nextResponse() }?.code == .invalidArgument)
  }
}
