import HTTP2
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// PINGs in both directions.
@Suite(.timeLimit(.minutes(5))) struct KeepaliveTests {
  private static let short = Duration.milliseconds(50)

  /// By real time, so that nothing else may end the connection of a client that is slow.
  private static func askOften(_ configuration: inout ServerConfiguration) {
    configuration.limits.keepaliveTime = short
    configuration.limits.keepaliveTimeout = .seconds(300)
    configuration.limits.firstRequest = nil
  }

  private static func forbidPings(_ configuration: inout ServerConfiguration) {
    configuration.limits.keepaliveMinimumTime = .seconds(3600)
    configuration.limits.letClientsRead()
  }

  @Test func aSilentClientIsAskedForASignOfLifeAgainAndAgain() async throws {
    try await withServer(configure: Self.askOften) { server in
      let client = try await FrameClient.connect(to: server.address)
      try await client.seen.wait { $0.pings.count >= 3 }
      try await client.call(Calls.unary.path, stream: 1)
      #expect(!client.seen.value.isClosed)
    }
  }

  @Test func aClientThatGivesNoSignOfLifeIsClosedWithItsCalls() async throws {
    let recorder = CallRecorder()
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.keepaliveTime = Self.short
        $0.limits.keepaliveTimeout = Self.short
        $0.interceptors = [recorder]
        $0.follow(time)
      }
    ) { server in
      var options = FrameClient.Options()
      options.answersPings = false
      let client = try await FrameClient.connect(to: server.address, options)
      try await client.open(Calls.bidirectional.path, stream: 1)
      time.advance(by: Self.short)
      try await client.seen.wait { !$0.pings.isEmpty }
      time.advance(by: Self.short)
      try await client.seen.wait { $0.isClosed }
      #expect(try await recorder.calls.wait { !$0.isEmpty }.map(\.code) == [.cancelled])
    }
  }

  @Test func anyByteIsASignOfLife() async throws {
    try await withServer(configure: Self.askOften) { server in
      var options = FrameClient.Options()
      options.answersPings = false
      let client = try await FrameClient.connect(to: server.address, options)
      for count in 1...3 {
        // Another is sent only after the last was answered, in whatever way.
        try await client.seen.wait { $0.pings.count >= count }
        client.send(.windowUpdate(0, 1))
      }
      try await client.call(Calls.unary.path, stream: 1)
      #expect(!client.seen.value.isClosed)
    }
  }

  @Test func aClientThatPingsTooOftenIsSentAway() async throws {
    try await withServer(configure: Self.forbidPings) { server in
      let client = try await FrameClient.connect(to: server.address)
      client.send(.ping, .ping, .ping)
      try await client.seen.wait { $0.pingAcks == 3 }
      // What the server sends forgives them.
      try await client.call(Calls.unary.path, stream: 1)
      client.send(.ping, .ping, .ping)
      try await client.seen.wait { $0.pingAcks == 6 }
      #expect(client.seen.value.goAways.isEmpty)
      client.send(.ping)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [GoAway(lastStream: 1, code: .enhanceYourCalm, reason: "too_many_pings")])
    }
  }

  @Test func whatComesWithThePingThatIsOneTooManyIsNotServed() async throws {
    let calls = Observed(0)
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, _) in
        calls.update { $0 += 1 }
        return try ServerResponse(request)
      })
    try await withServer(service, configure: Self.forbidPings) { server in
      let client = try await FrameClient.connect(to: server.address)
      try await client.seen.wait { !$0.frames.isEmpty }
      client.send(
        .ping, .ping, .ping, .ping, .headers(Calls.unary.path, stream: 1), .lastMessage(stream: 1))
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [GoAway(lastStream: 0, code: .enhanceYourCalm, reason: "too_many_pings")])
    }
    // The client was told that it may call elsewhere.
    #expect(calls.value == 0)
  }
}
