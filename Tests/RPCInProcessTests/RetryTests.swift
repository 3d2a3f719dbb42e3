import ProtobufWellKnownTypes
import RPCCore
import RPCInProcess
import RPCTestSupport
import Testing

/// Calls that are made again, on a clock that stands still.
@Suite(.timeLimit(.minutes(5))) struct RetryTests {
  private let clock = SteppedClock()
  private let attempts = Observed(0)

  private func policy(_ change: (inout RetryPolicy) -> Void = { _ in }) -> RetryPolicy {
    var policy = RetryPolicy()
    policy.backoff = Backoff(initial: .seconds(1), multiplier: 2, max: .seconds(10))
    policy.clock = clock
    policy.random = { 0.5 }
    change(&policy)
    return policy
  }

  /// A service whose methods fail `failures` times before they answer with what they got.
  private func failing(
    _ failures: Int, _ error: RPCError = RPCError(.unavailable, "not now"), policy: RetryPolicy
  ) -> any ClientTransport {
    let attempts = attempts
    @Sendable func attempt() throws {
      attempts.update { $0 += 1 }
      if attempts.value <= failures { throw error }
    }
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, _) in
        try attempt()
        return try ServerResponse(request)
      },
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
        var joined = ""
        for try await request in requests {
          joined += request.value
          if request.value == "3" { try attempt() }
        }
        return try ServerResponse(Text(joined))
      },
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        try attempt()
      })
    return InProcessTransport(services: [service]).retrying(policy)
  }

  private func echo(_ transport: any ClientTransport, timeout: Duration? = nil) async throws -> String {
    let answer: Text = try await transport.unary(Calls.unary, Text("hello"), CallOptions(timeout: timeout))
    return answer.value
  }

  /// Lets the one that sleeps sleep on for `pause`, which must be exactly what it wants.
  private func pass(_ pause: Duration, attemptsAfter: Int) async throws {
    try await clock.sleepers.wait { $0 == 1 }
    clock.advance(by: pause - .milliseconds(1))
    #expect(attempts.value == attemptsAfter - 1)
    clock.advance(by: .milliseconds(1))
    try await attempts.wait { $0 == attemptsAfter }
  }

  @Test func anUnavailableServerIsAskedAgainAfterGrowingPauses() async throws {
    let transport = failing(3, policy: policy())
    async let answer = echo(transport)
    try await pass(.seconds(1), attemptsAfter: 2)
    try await pass(.seconds(2), attemptsAfter: 3)
    try await pass(.seconds(4), attemptsAfter: 4)
    #expect(try await answer == "hello")
  }

  @Test func pausesAreAsRandomAsTheInjectedNumbers() async throws {
    let numbers = Observed([0, 1, 0.25])
    let transport = failing(
      3,
      policy: policy {
        $0.random = {
          var number = 0.5
          numbers.update { number = $0.removeFirst() }
          return number
        }
      })
    async let answer = echo(transport)
    try await pass(.milliseconds(800), attemptsAfter: 2)
    try await pass(.milliseconds(2400), attemptsAfter: 3)
    try await pass(.milliseconds(3600), attemptsAfter: 4)
    #expect(try await answer == "hello")
  }

  @Test func withoutAnInjectedSourcePausesAreRandom() {
    let random = RetryPolicy().random
    let numbers = (0..<100).map { _ in random() }
    #expect(numbers.allSatisfy { (0...1).contains($0) })
    #expect(Set(numbers).count > 1)
  }

  @Test func afterTheLastAttemptTheErrorIsTheCallers() async throws {
    let transport = failing(10, policy: policy { $0.attemptsMax = 2 })
    async let error = rpcError { try await echo(transport) }
    try await pass(.seconds(1), attemptsAfter: 2)
    #expect(await error?.message == "not now")
    #expect(attempts.value == 2)
  }

  @Test(arguments: StatusCode.allCases.filter { $0 != .ok && $0 != .unavailable })
  func otherErrorsAreTheCallersAtOnce(code: StatusCode) async throws {
    let transport = failing(1, RPCError(code, "no"), policy: policy())
    #expect(await rpcError { try await echo(transport) }?.code == code)
    #expect(attempts.value == 1)
  }

  @Test func aResponseThatHasBegunIsNotMadeAgain() async throws {
    let transport = failing(1, policy: policy())
    let responses: ResponseStream<Text> = try await transport.serverStreaming(
      Calls.serverStreaming, Text(), CallOptions())
    var iterator = responses.makeAsyncIterator()
    #expect(try await iterator.next()?.value == "1")
    #expect(await rpcError { try await iterator.next() }?.code == .unavailable)
    #expect(attempts.value == 1)
  }

  @Test func everyAttemptGetsAllRequestsInOrder() async throws {
    let transport = failing(1, policy: policy())
    async let answer: Text = transport.clientStreaming(Calls.clientStreaming, CallOptions()) {
      (requests: RequestWriter<Text>) in
      for number in 1...9 {
        // The first attempt fails at the third.
        if number == 4 { try await attempts.wait { $0 == 1 } }
        try await requests.send(Text("\(number)"))
      }
    }
    try await clock.sleepers.wait { $0 == 1 }
    clock.advance(by: .seconds(1))
    #expect(try await answer.value == "123456789")
    #expect(attempts.value == 2)
  }

  @Test func aCallThatSendsMoreThanIsKeptIsNotMadeAgain() async throws {
    let transport = failing(1, policy: policy { $0.replayBytesMax = 20 })
    let error = await rpcError {
      let answer: Text = try await transport.clientStreaming(Calls.clientStreaming, CallOptions()) {
        (requests: RequestWriter<Text>) in
        for number in 1...9 { try await requests.send(Text("\(number)")) }
      }
      return answer
    }
    #expect(error?.code == .unavailable)
    #expect(attempts.value == 1)
  }

  @Test(arguments: [("0", Duration.zero), ("1500", .milliseconds(1500))])
  func theServerSaysWhenToComeBack(pushback: String, pause: Duration) async throws {
    var error = RPCError(.unavailable, "later")
    _ = error.trailers.addFromWire("grpc-retry-pushback-ms", pushback)
    let transport = failing(1, error, policy: policy())
    async let answer = echo(transport)
    if pause > .zero { try await pass(pause, attemptsAfter: 2) }
    #expect(try await answer == "hello")
  }

  @Test(arguments: ["-1", "x", "", "99999999999"])
  func aServerThatWantsPeaceGetsIt(pushback: String) async throws {
    var error = RPCError(.unavailable, "never")
    _ = error.trailers.addFromWire("grpc-retry-pushback-ms", pushback)
    let transport = failing(1, error, policy: policy())
    #expect(await rpcError { try await echo(transport) }?.message == "never")
    #expect(attempts.value == 1)
  }

  @Test func anAttemptThatWouldComeAfterTheDeadlineIsNotMade() async throws {
    let transport = failing(10, policy: policy())
    async let error = rpcError { try await echo(transport, timeout: .seconds(2)) }
    try await pass(.seconds(1), attemptsAfter: 2)
    // The next would come after three.
    #expect(await error?.code == .unavailable)
    #expect(attempts.value == 2)
  }

  @Test func aCallThatIsCancelledWhileItWaitsIsNotMadeAgain() async throws {
    let transport = failing(1, policy: policy())
    let caller = Task { try await echo(transport) }
    try await clock.sleepers.wait { $0 == 1 }
    caller.cancel()
    #expect(await rpcError { try await caller.value }?.code == .cancelled)
    try await clock.sleepers.wait { $0 == 0 }
    #expect(attempts.value == 1)
  }

  @Test func theMetadataOfTheLastAttemptIsTold() async throws {
    let transport = failing(1, policy: policy())
    var options = CallOptions()
    let response = ResponseMetadata()
    options.responseMetadata = response
    async let answer: Text = transport.unary(Calls.unary, Text("hello"), options)
    try await pass(.seconds(1), attemptsAfter: 2)
    #expect(try await answer.value == "hello")
    #expect(response.initial != nil)
  }
}
