import HTTP2
import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// Cancellation, deadlines and early ends.
@Suite(.timeLimit(.minutes(5))) struct ClientEndingTests {
  /// A unary method that waits for its cancellation, and one that answers.
  private static func waiting(_ hasStarted: Observed<Bool>, _ isCancelled: Observed<Bool>) -> HandMadeService {
    HandMadeService(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in
        hasStarted.open()
        try await waitForCancellation(isCancelled)
        return try ServerResponse(Text())
      },
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        hasStarted.open()
        try await waitForCancellation(isCancelled)
      })
  }

  @Test func cancellingTheCallersTaskCancelsTheHandler() async throws {
    let hasStarted = Observed(false)
    let isCancelled = Observed(false)
    try await withServerAndClient(Self.waiting(hasStarted, isCancelled)) { client in
      let caller = Task { try await client.echo("") }
      try await hasStarted.waitUntilOpen()
      caller.cancel()
      #expect(await rpcError { try await caller.value }?.code == .cancelled)
      try await isCancelled.waitUntilOpen()
    }
  }

  @Test func aStreamThatIsDroppedEndsItsCall() async throws {
    let hasStarted = Observed(false)
    let isCancelled = Observed(false)
    try await withServerAndClient(Self.waiting(hasStarted, isCancelled)) { client in
      do {
        let responses: ResponseStream<Text> = try await client.serverStreaming(
          Calls.serverStreaming, Text(), CallOptions())
        var iterator = responses.makeAsyncIterator()
        #expect(try await iterator.next()?.value == "1")
      }
      try await isCancelled.waitUntilOpen()
    }
  }

  @Test func aCancelledCallIsResetWithCancel() async throws {
    try await withScriptedServer { _ in
    } _: { server, client in
      let call = client.open(Calls.bidirectional, CallOptions())
      try await server.requests.wait { $0.count == 1 }
      call.cancel()
      #expect(await rpcError { try await call.nextResponse() }?.code == .cancelled)
      #expect(await rpcError { try await call.send(.framing(Text())) }?.code == .cancelled)
      #expect(try await server.requests.wait { $0.last?.closed != nil }.last?.closed == .cancel)
    }
  }

  @Test func theDeadlineEndsTheCallWhateverTheServerDoes() async throws {
    try await withScriptedServer { stream in
      if stream.request["grpc-timeout"] == nil { stream.answer("") }
    } _: { server, client async throws in
      #expect(try await client.echo("") == "")
      let error = await rpcError { try await client.echo("", CallOptions(timeout: .milliseconds(100))) }
      #expect(error?.code == .deadlineExceeded)
      // The server has heard of the end once it answers what came after it.
      #expect(try await client.echo("") == "")
      #expect(server.requests.value.filter { $0["grpc-timeout"] != nil }.allSatisfy { $0.closed == .cancel })
    }
  }

  @Test func theServersOwnDeadlineIsToldAsOne() async throws {
    let hasStarted = Observed(false)
    let isCancelled = Observed(false)
    try await withServerAndClient(Self.waiting(hasStarted, isCancelled)) { client in
      let error = await rpcError { try await client.echo("", CallOptions(timeout: .milliseconds(100))) }
      #expect(error?.code == .deadlineExceeded)
      if hasStarted.value { try await isCancelled.waitUntilOpen() }
    }
  }

  @Test func aDeadlineThatHasPassedSendsNothing() async throws {
    try await withScriptedServer { stream in
      stream.answer("")
    } _: { server, client async throws in
      let error = await rpcError { try await client.echo("", CallOptions(timeout: .zero)) }
      #expect(error?.code == .deadlineExceeded)
      #expect(try await client.echo("") == "")
      #expect(server.requests.value.count == 1)
    }
  }

  @Test func aServerThatEndsEarlyFreesItsCaller() async throws {
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (_: RequestStream<Text>, _) in try ServerResponse(Text("enough")) })
    try await withServerAndClient(service) { client in
      // Far more than there is room for: without a reader it goes nowhere.
      let chunk = Text(String(repeating: "x", count: 1000))
      let answer: Text = try await client.clientStreaming(Calls.clientStreaming, CallOptions()) {
        (requests: RequestWriter<Text>) in
        for _ in 0..<2000 { try await requests.send(chunk) }
      }
      #expect(answer.value == "enough")
    }
  }

  @Test func aServerThatFailsEarlyTellsItsCallerWhileItSends() async throws {
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (_: RequestStream<Text>, _) -> ServerResponse<Text> in
        throw RPCError(.permissionDenied, "no")
      })
    try await withServerAndClient(service) { client in
      let error = await rpcError {
        let answer: Text = try await client.clientStreaming(Calls.clientStreaming, CallOptions()) {
          (requests: RequestWriter<Text>) in
          while true { try await requests.send(Text()) }
        }
        return answer
      }
      #expect(error?.code == .permissionDenied)
      #expect(error?.message == "no")
    }
  }

  @Test func aStreamThatTheServerEndedIsLeftByBothSides() async throws {
    try await withScriptedServer { stream in
      stream.refuse(.notFound)
    } _: { server, client async throws in
      let call = client.open(Calls.bidirectional, CallOptions())
      #expect(await rpcError { try await call.nextResponse() }?.code == .notFound)
      #expect(try await server.requests.wait { $0.last?.closed != nil }.last?.closed == .noError)
    }
  }

  @Test func closingLetsCallsFinishAndTakesNoOthers() async throws {
    try await withServerAndClient { client in
      let call: BidirectionalCall<Text, Text> = client.bidirectionalStreaming(Calls.bidirectional, CallOptions())
      var responses = call.responses.makeAsyncIterator()
      try await call.requests.send(Text("1"))
      #expect(try await responses.next()?.value == "1")
      async let isClosed: Void = client.close(grace: .seconds(30))
      // It closes as soon as its loop comes to it.
      while await rpcError({ try await client.echo("") }) == nil {}
      #expect(await rpcError { try await client.echo("") }?.code == .unavailable)
      try await call.requests.send(Text("2"))
      #expect(try await responses.next()?.value == "2")
      try await call.requests.finish()
      #expect(try await responses.next() == nil)
      await isClosed
    }
  }

  @Test func closingEndsCallsAfterTheGraceTime() async throws {
    let hasStarted = Observed(false)
    let isCancelled = Observed(false)
    try await withServerAndClient(Self.waiting(hasStarted, isCancelled)) { client in
      async let error = rpcError { try await client.echo("") }
      try await hasStarted.waitUntilOpen()
      await client.close(grace: .milliseconds(20))
      #expect(await error?.code == .unavailable)
      try await isCancelled.waitUntilOpen()
    }
  }

  @Test func aClientThatIsDroppedFinishesItsCallsAndLeaves() async throws {
    let server = try await ScriptedServer.start { stream in
      if stream.index == 0 { stream.answer("1") }
    }
    func makeCall() async throws -> any ClientCall {
      let client = try RPCClient(host: "127.0.0.1", port: server.address.port ?? 0)
      #expect(try await client.echo("") == "1")
      return client.open(Calls.bidirectional, CallOptions())
    }
    let call = try await makeCall()
    try await server.requests.wait { $0.count == 2 }
    #expect(server.connections.value.open == 1)
    call.cancel()
    try await server.connections.wait { $0.open == 0 }
    try await server.stop()
  }
}
