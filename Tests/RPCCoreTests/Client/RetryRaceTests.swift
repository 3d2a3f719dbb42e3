import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
import Testing

/// Attempts that fail while their caller sends.
@Suite(.timeLimit(.minutes(5))) struct RetryRaceTests {
  private func retrying(_ transport: LosingTransport) -> any ClientCall {
    var policy = RetryPolicy()
    policy.backoff = Backoff(initial: .zero, multiplier: 1, max: .zero)
    return transport.retrying(policy).open(Calls.bidirectional, CallOptions())
  }

  // A request that is kept just before an attempt fails is for the next to send, and so is an end. When the reader
  // learns of the failure is up to the threads: in calls of many lengths it comes between any two steps of the sender.
  @Test func whatIsSentWhileAnAttemptIsLostComesOnceOnTheNext() async throws {
    let requests = (1...100).map { "\($0)" }
    let frames = try requests.map { try FramedMessage.framing(Text($0)) }
    for round in 0..<3000 {
      let count = 1 + round % requests.count
      let transport = LosingTransport()
      let call = retrying(transport)
      async let response = call.nextResponse()
      for frame in frames.prefix(count) { try await call.send(frame) }
      try await call.finishSending()
      #expect(try await response != nil)
      let last = try #require(transport.calls.last)
      try #require(try last.requests == Array(requests.prefix(count)))
      try #require(last.ends == [count])
    }
  }

  @Test func aRequestThatWaitsForRoomOnAnAttemptThatIsLostComesOnceOnTheNext() async throws {
    let transport = LosingTransport(isHoldingBack: true)
    let call = retrying(transport)
    async let response = call.nextResponse()
    for request in ["1", "2"] { try await call.send(.framing(Text(request))) }
    try await call.finishSending()
    #expect(try await response != nil)
    #expect(transport.calls.count == 2)
    #expect(try transport.calls.last?.requests == ["1", "2"])
    #expect(transport.calls.last?.ends == [2])
  }
}
