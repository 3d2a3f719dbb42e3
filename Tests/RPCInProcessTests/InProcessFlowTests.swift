import RPCCore
import RPCInProcess
import RPCTestSupport
import Testing

/// Back-pressure, deadlines and cancellation.
@Suite(.timeLimit(.minutes(5))) struct InProcessFlowTests {
  private func transport(
    _ method: ServerMethod, _ change: (inout InProcessTransport.Configuration) -> Void = { _ in }
  ) -> InProcessTransport {
    var configuration = InProcessTransport.Configuration()
    change(&configuration)
    return InProcessTransport(services: [HandMadeService(method)], configuration: configuration)
  }

  @Test func aReaderThatStopsHoldsBackItsHandler() async throws {
    let sent = Observed(0)
    let transport = transport(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        for number in 1...100 {
          sent.update { $0 = number }
          try await responses.send(Text("\(number)"))
        }
      }, { $0.messagesMax = 4 })
    let responses: ResponseStream<Text> = try await transport.serverStreaming(
      Calls.serverStreaming, Text(), CallOptions())
    try await sent.wait { $0 == 4 }
    var iterator = responses.makeAsyncIterator()
    for number in 1...100 {
      // Four wait, and the handler makes the next once one is taken.
      #expect(sent.value <= number + 4)
      #expect(try await iterator.next()?.value == "\(number)")
    }
    #expect(try await iterator.next() == nil)
    #expect(sent.value == 100)
  }

  @Test func aTaskThatIsCancelledWaitsNoLongerAndItsCallGoesOn() async throws {
    let code = Observed(StatusCode?.none)
    let transport = transport(
      .bidirectionalStreaming(Calls.bidirectional) {
        (requests: RequestStream<Text>, responses: ResponseWriter<Text>, _) in
        let isWaiting = Observed(false)
        let child = Task {
          isWaiting.open()
          for try await _ in requests {}
        }
        try await isWaiting.waitUntilOpen()
        child.cancel()
        if case .failure(let error) = await child.result { code.update { $0 = (error as? RPCError)?.code } }
        try await responses.send(Text("went on"))
      })
    let call: BidirectionalCall<Text, Text> = transport.bidirectionalStreaming(
      Calls.bidirectional, CallOptions())
    var responses = call.responses.makeAsyncIterator()
    #expect(try await responses.next()?.value == "went on")
    #expect(code.value == .cancelled)
    #expect(try await responses.next() == nil)
  }

  @Test func aHandlerThatStopsHoldsBackItsCaller() async throws {
    let isTaking = Observed(false)
    let sent = Observed(0)
    let transport = transport(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
        try await isTaking.waitUntilOpen()
        var count = 0
        for try await _ in requests { count += 1 }
        return try ServerResponse(Text("\(count)"))
      }, { $0.messagesMax = 4 })
    async let answer: Text = transport.clientStreaming(Calls.clientStreaming, CallOptions()) {
      (requests: RequestWriter<Text>) in
      for _ in 0..<100 {
        sent.update { $0 += 1 }
        try await requests.send(Text())
      }
    }
    try await sent.wait { $0 == 4 }
    #expect(sent.value <= 4)
    isTaking.open()
    #expect(try await answer.value == "100")
  }

  @Test func theDeadlineEndsTheCallAndCancelsItsHandler() async throws {
    let clock = SteppedClock()
    let isCancelled = Observed(false)
    let transport = transport(
      .unary(Calls.unary) { (_: Text, context) -> ServerResponse<Text> in
        #expect(context.deadline != nil)
        try await waitForCancellation(isCancelled)
        return try ServerResponse(Text())
      }, { $0.clock = clock })
    async let error = rpcError {
      let answer: Text = try await transport.unary(Calls.unary, Text(), CallOptions(timeout: .seconds(5)))
      return answer
    }
    try await clock.sleepers.wait { $0 == 1 }
    clock.advance(by: .seconds(4))
    #expect(!isCancelled.value)
    clock.advance(by: .seconds(1))
    #expect(await error?.code == .deadlineExceeded)
    try await isCancelled.waitUntilOpen()
  }

  @Test func aDeadlineThatHasPassedStartsNothing() async throws {
    let hasStarted = Observed(false)
    let transport = transport(
      .unary(Calls.unary) { (request: Text, _) in
        hasStarted.open()
        return try ServerResponse(request)
      })
    let error = await rpcError {
      let answer: Text = try await transport.unary(Calls.unary, Text(), CallOptions(timeout: .zero))
      return answer
    }
    #expect(error?.code == .deadlineExceeded)
    #expect(!hasStarted.value)
  }

  @Test func aCallThatEndsInTimeLeavesNoTimerBehind() async throws {
    let clock = SteppedClock()
    let transport = transport(
      .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) }, { $0.clock = clock })
    let answer: Text = try await transport.unary(Calls.unary, Text("1"), CallOptions(timeout: .seconds(5)))
    #expect(answer.value == "1")
    try await clock.sleepers.wait { $0 == 0 }
  }

  @Test func cancellingTheCallersTaskCancelsTheHandler() async throws {
    let hasStarted = Observed(false)
    let isCancelled = Observed(false)
    let transport = transport(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in
        hasStarted.open()
        try await waitForCancellation(isCancelled)
        return try ServerResponse(Text())
      })
    let caller = Task {
      let answer: Text = try await transport.unary(Calls.unary, Text(), CallOptions())
      return answer
    }
    try await hasStarted.waitUntilOpen()
    caller.cancel()
    #expect(await rpcError { try await caller.value }?.code == .cancelled)
    try await isCancelled.waitUntilOpen()
  }

  @Test func aStreamThatIsDroppedEndsItsCall() async throws {
    let outcome = Observed(StatusCode?.none)
    let transport = transport(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        do {
          while true { try await responses.send(Text()) }
        } catch {
          outcome.update { $0 = (error as? RPCError)?.code }
        }
      })
    do {
      let responses: ResponseStream<Text> = try await transport.serverStreaming(
        Calls.serverStreaming, Text(), CallOptions())
      var iterator = responses.makeAsyncIterator()
      _ = try await iterator.next()
    }
    #expect(try await outcome.wait { $0 != nil } == .cancelled)
  }

  @Test func aHandlerThatEndsEarlyFreesItsCaller() async throws {
    let transport = transport(
      .clientStreaming(Calls.clientStreaming) { (_: RequestStream<Text>, _) in try ServerResponse(Text("enough")) })
    // Far more than wait in a pipe: without a reader they go nowhere.
    let answer: Text = try await transport.clientStreaming(Calls.clientStreaming, CallOptions()) {
      (requests: RequestWriter<Text>) in
      for _ in 0..<1000 { try await requests.send(Text()) }
    }
    #expect(answer.value == "enough")
  }

  @Test func aHandlerThatFailsEarlyTellsItsCallerWhileItSends() async throws {
    let transport = transport(
      .clientStreaming(Calls.clientStreaming) { (_: RequestStream<Text>, _) -> ServerResponse<Text> in
        throw RPCError(.permissionDenied, "no")
      })
    let error = await rpcError {
      let answer: Text = try await transport.clientStreaming(Calls.clientStreaming, CallOptions()) {
        (requests: RequestWriter<Text>) in
        while true { try await requests.send(Text()) }
      }
      return answer
    }
    #expect(error?.code == .permissionDenied)
  }

  @Test func aHandlerHearsOfTheEndWhileItReceives() async throws {
    let hasStarted = Observed(false)
    let outcome = Observed(StatusCode?.none)
    let transport = transport(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) -> ServerResponse<Text> in
        hasStarted.open()
        do {
          for try await _ in requests {}
        } catch {
          outcome.update { $0 = (error as? RPCError)?.code }
        }
        return try ServerResponse(Text())
      })
    let call = transport.open(Calls.clientStreaming, CallOptions())
    try await hasStarted.waitUntilOpen()
    call.cancel()
    #expect(try await outcome.wait { $0 != nil } == .cancelled)
    #expect(await rpcError { try await call.nextResponse() }?.code == .cancelled)
  }
}
