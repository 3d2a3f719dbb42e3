import RPCCore
import RPCInProcess
import RPCTestSupport
import Testing

/// What is done around calls on the client.
@Suite(.timeLimit(.minutes(5))) struct ClientInterceptorTests {
  private let summaries = Observed<[ClientCallSummary]>([])

  /// A transport that echoes a header, with an observer in front.
  private func transport(_ key: String, _ interceptors: [any ClientInterceptor]) -> any ClientTransport {
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, context) in
        if request.value == "fail" { throw RPCError(.notFound, "no") }
        let credentials = context.credentials?.bearerToken.map { String(decoding: $0, as: UTF8.self) }
        return try ServerResponse(Text(key == "authorization" ? credentials ?? "" : context.metadata[text: key] ?? ""))
      },
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        while true { try await responses.send(Text()) }
      })
    let observer = ClientCallObserver { [summaries] summary in summaries.update { $0.append(summary) } }
    return InProcessTransport(services: [service]).intercepted(by: [observer] + interceptors)
  }

  private func call(
    _ transport: any ClientTransport, _ text: String = "", _ options: CallOptions = CallOptions()
  ) async throws -> String {
    let answer: Text = try await transport.unary(Calls.unary, Text(text), options)
    return answer.value
  }

  @Test func everyCallIsToldOnceWithItsMethodOptionsAndEnd() async throws {
    let transport = transport("x", [try #require(BearerToken("secret"))])
    _ = try await call(transport)
    #expect(await rpcError { try await call(transport, "fail") }?.code == .notFound)
    #expect(summaries.value.map(\.code) == [.ok, .notFound])
    #expect(summaries.value.map(\.method) == [Calls.unary, Calls.unary])
    #expect(summaries.value.allSatisfy { $0.options.metadata[text: "authorization"] == "Bearer secret" })
    #expect(summaries.value.allSatisfy { $0.duration > .zero })
    #expect(summaries.value.last?.error?.message == "no")
  }

  @Test func aStreamThatIsDroppedIsToldOnceAsCancelled() async throws {
    let transport = transport("x", [])
    do {
      let responses: ResponseStream<Text> = try await transport.serverStreaming(
        Calls.serverStreaming, Text(), CallOptions())
      var iterator = responses.makeAsyncIterator()
      _ = try await iterator.next()
      #expect(summaries.value.isEmpty)
    }
    #expect(try await summaries.wait { !$0.isEmpty }.map(\.code) == [.cancelled])
  }

  @Test func aCallThatNobodyReadsIsToldWhenItIsLetGo() async throws {
    let transport = transport("x", [])
    do { _ = transport.open(Calls.unary, CallOptions()) }
    #expect(try await summaries.wait { !$0.isEmpty }.map(\.code) == [.cancelled])
  }

  @Test func theFirstInTheListBeginsFirstAndEndsLast() async throws {
    struct Named: ClientInterceptor {
      let name: String
      let order: Observed<[String]>
      func begins(_ method: MethodDescriptor, _ options: inout CallOptions) { order.update { $0.append("+\(name)") } }
      func ended(_ call: ClientCallSummary) { order.update { $0.append("-\(name)") } }
    }
    let order = Observed<[String]>([])
    let transport = transport("x", [Named(name: "a", order: order), Named(name: "b", order: order)])
    _ = try await call(transport)
    #expect(order.value == ["+a", "+b", "-b", "-a"])
  }

  @Test func callsGoOutAsPartOfTheirTasksTrace() async throws {
    let transport = transport("traceparent", [TraceForwarding()])
    #expect(try await call(transport) == "")
    let trace = TraceContext(traceID: (1, 2), spanID: 3, flags: 1)
    let sent = try await TraceContext.continuing(trace) { try await call(transport) }
    let received = try #require(TraceContext(traceparent: sent))
    #expect(received.traceID == trace.traceID)
    #expect(received.spanID != trace.spanID)
    #expect(received.flags == 1)
    var options = CallOptions()
    options.metadata.add("traceparent", "own")
    #expect(try await TraceContext.continuing(trace) { try await call(transport, "", options) } == "own")
  }

  @Test func theTokenIsSentUnlessTheCallHasItsOwn() async throws {
    let transport = transport("authorization", [try #require(BearerToken("secret"))])
    #expect(try await call(transport) == "secret")
    var options = CallOptions()
    options.metadata.add("authorization", "Bearer other")
    #expect(try await call(transport, "", options) == "other")
  }

  @Test(arguments: ["", "a b", "a\n", "\u{E9}"]) func aTokenThatNoHeaderCanCarryIsRefused(token: String) {
    #expect(BearerToken(token) == nil)
  }

  @Test func retriesBeneathAreOneCallAndAboveAreEveryAttempt() async throws {
    var policy = RetryPolicy()
    policy.backoff = Backoff(initial: .zero, multiplier: 1, max: .zero)
    policy.attemptsMax = 3
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in throw RPCError(.unavailable, "no") })
    let server = InProcessTransport(services: [service])
    let observer = ClientCallObserver { [summaries] summary in summaries.update { $0.append(summary) } }
    let outside = server.retrying(policy).intercepted(by: [observer])
    #expect(await rpcError { try await call(outside) }?.code == .unavailable)
    #expect(summaries.value.count == 1)
    let inside = server.intercepted(by: [observer]).retrying(policy)
    #expect(await rpcError { try await call(inside) }?.code == .unavailable)
    #expect(summaries.value.count == 4)
  }
}
