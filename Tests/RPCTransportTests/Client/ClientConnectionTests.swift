import HTTP2
import NIOCore
import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// Connections that are made, shared, lost and made again.
@Suite(.timeLimit(.minutes(5))) struct ClientConnectionTests {
  // As short as it can be, for tests of what comes after it.
  private static let quickly = Backoff(initial: .milliseconds(1), multiplier: 1, max: .milliseconds(1))
  // Longer than any test.
  private static let never = Backoff(initial: .seconds(1000), multiplier: 1, max: .seconds(1000))

  /// An address where nobody listens.
  private func deadAddress() async throws -> SocketAddress {
    let server = try await ScriptedServer.start { _ in }
    try await server.stop()
    return server.address
  }

  private func waitingForReady(_ timeout: Duration? = nil) -> CallOptions {
    var options = CallOptions(timeout: timeout)
    options.waitForReady = true
    return options
  }

  @Test func callsWithoutAServerFailAtOnceAndWithoutTryingUntilTheBackoffIsOver() async throws {
    let address = try await deadAddress()
    try await withClient(of: address, configure: { $0.backoff = Self.never }) { client in
      let first = await rpcError { try await client.echo("") }
      #expect(first?.code == .unavailable)
      #expect(first?.message.hasPrefix("cannot connect to 127.0.0.1:\(address.port ?? 0): ") == true)
      let server = try await ScriptedServer.start(port: address.port ?? 0) { $0.answer("") }
      #expect(await rpcError { try await client.echo("") }?.code == .unavailable)
      #expect(server.connections.value.made == 0)
      try await server.stop()
    }
  }

  @Test func aCallThatWaitsIsMadeOnceTheServerIsThere() async throws {
    let address = try await deadAddress()
    try await withClient(of: address, configure: { $0.backoff = Self.quickly }) { client in
      async let answer = client.echo("here", waitingForReady())
      // The call is not over, whatever else fails.
      #expect(await rpcError { try await client.echo("") }?.code == .unavailable)
      let server = try await ScriptedServer.start(port: address.port ?? 0) { $0.answer("here") }
      #expect(try await answer == "here")
      try await server.stop()
    }
  }

  @Test func aCallThatWaitsInVainEndsAtItsDeadline() async throws {
    try await withClient(of: try await deadAddress(), configure: { $0.backoff = Self.quickly }) { client in
      let error = await rpcError { try await client.echo("", waitingForReady(.milliseconds(50))) }
      #expect(error?.code == .deadlineExceeded)
    }
  }

  @Test func aCallThatWaitsCanBeCancelled() async throws {
    try await withClient(of: try await deadAddress(), configure: { $0.backoff = Self.never }) { client in
      // Many, so that those that ended are swept out of the queue.
      let calls = (0..<20).map { _ in client.open(Calls.bidirectional, waitingForReady()) }
      for call in calls { call.cancel() }
      for call in calls { #expect(await rpcError { try await call.nextResponse() }?.code == .cancelled) }
    }
  }

  @Test func aServerThatCameBackIsFoundAgain() async throws {
    let first = try await ScriptedServer.start { $0.index == 0 ? $0.answer("1") : $0.connection.disconnect() }
    try await withClient(of: first.address, configure: { $0.backoff = Self.quickly }) { client in
      #expect(try await client.echo("") == "1")
      try await first.stop()
      let error = await rpcError { try await client.echo("") }
      #expect(error?.code == .unavailable)
      try await first.connections.wait { $0.open == 0 }
      let second = try await ScriptedServer.start(port: first.address.port ?? 0) { $0.answer("2") }
      #expect(try await client.echo("", waitingForReady()) == "2")
      try await second.stop()
    }
  }

  @Test func howLongConnectingIsLeftAloneIsAsRandomAsTheInjectedNumbers() async throws {
    let address = try await deadAddress()
    let numbers = Observed(0)
    try await withClient(
      of: address,
      configure: {
        $0.backoff = Backoff(initial: .seconds(1000), multiplier: 1, max: .seconds(1000), jitter: 1)
        $0.random = {
          numbers.update { $0 += 1 }
          // Of up to 2000 seconds.
          return 0.000_005
        }
      }
    ) { client in
      async let answer = client.echo("", waitingForReady(.seconds(60)))
      try await numbers.wait(within: .seconds(60)) { $0 >= 2 }
      let server = try await ScriptedServer.start(port: address.port ?? 0) { $0.answer("here") }
      #expect(try await answer == "here")
      try await server.stop()
    }
  }

  @Test func withoutAnInjectedSourceConnectingIsLeftAloneForRandomTimes() {
    let random = ClientConfiguration().random
    let numbers = (0..<100).map { _ in random() }
    #expect(numbers.allSatisfy { (0...1).contains($0) })
    #expect(Set(numbers).count > 1)
  }

  @Test func callsOfAConnectionThatIsLostFail() async throws {
    let hasResponded = Observed(false)
    try await withScriptedServer { stream in
      if stream.index == 0 {
        stream.respond()
        stream.send(stream.message("1"))
      } else {
        stream.connection.disconnect()
      }
    } _: { _, client in
      let responses: ResponseStream<Text> = try await client.serverStreaming(
        Calls.serverStreaming, Text(), CallOptions())
      var iterator = responses.makeAsyncIterator()
      #expect(try await iterator.next()?.value == "1")
      hasResponded.open()
      #expect(await rpcError { try await client.echo("") }?.code == .unavailable)
      #expect(await rpcError { try await iterator.next() }?.code == .unavailable)
    }
  }

  @Test func afterAGoAwayTheOldCallGoesOnAndNewOnesTakeAnotherConnection() async throws {
    let old = Observed(ScriptedStream.Remote?.none)
    try await withScriptedServer { stream in
      guard stream.index == 0 else { return stream.answer("2") }
      stream.respond()
      stream.send(stream.message("1"))
      stream.connection.submitGoAway(.noError)
      let remote = stream.remote
      old.update { $0 = remote }
    } _: { server, client in
      let responses: ResponseStream<Text> = try await client.serverStreaming(
        Calls.serverStreaming, Text(), CallOptions())
      var iterator = responses.makeAsyncIterator()
      #expect(try await iterator.next()?.value == "1")
      // The GOAWAY is sent with the response, and may be read after it.
      while server.connections.value.made == 1 { _ = try? await client.echo("") }
      #expect(try await client.echo("") == "2")
      #expect(server.connections.value.made == 2)
      old.value?.perform { $0.finish([("grpc-status", "0")]) }
      #expect(try await iterator.next() == nil)
      try await server.connections.wait { $0.open == 1 }
    }
  }

  @Test(arguments: [false, true])
  func callsThatTheServerNeverLookedAtAreUnavailableAndMadeAgainTransparently(retries: Bool) async throws {
    try await withScriptedServer { stream in
      if stream.index == 0 { stream.reset(.refusedStream) } else { stream.answer("again") }
    } _: { server, client async throws in
      if retries {
        var policy = RetryPolicy()
        policy.attemptsMax = 1
        #expect(try await client.retrying(policy).echo("") == "again")
        // It was no attempt.
        #expect(server.requests.value.last?["grpc-previous-rpc-attempts"] == nil)
      } else {
        #expect(await rpcError { try await client.echo("") }?.code == .unavailable)
      }
    }
  }

  @Test func callsAboveTheLastStreamOfAGoAwayAreMadeAgain() async throws {
    let hasSeen = Observed(ScriptedStream.Remote?.none)
    try await withScriptedServer { stream in
      switch stream.index {
      case 0:
        let remote = stream.remote
        hasSeen.update { $0 = remote }
      default: stream.answer("again")
      }
    } _: { server, client in
      var policy = RetryPolicy()
      policy.attemptsMax = 1
      async let first = client.retrying(policy).echo("")
      try await hasSeen.wait { $0 != nil }
      hasSeen.value?.perform { $0.connection.disownStreams() }
      #expect(try await first == "again")
      #expect(server.connections.value.made == 2)
    }
  }

  @Test func attemptsAreCountedForTheServer() async throws {
    try await withScriptedServer { stream in
      stream.whenEnded { stream in
        if stream.index < 2 {
          stream.refuse(.unavailable, [("grpc-retry-pushback-ms", "0")])
        } else {
          stream.answer("3")
        }
      }
    } _: { server, client async throws in
      #expect(try await client.retrying().echo("") == "3")
      #expect(server.requests.value.map { $0["grpc-previous-rpc-attempts"] } == [nil, "1", "2"])
      #expect(server.requests.value.map(\.body) == Array(repeating: [0, 0, 0, 0, 0], count: 3))
    }
  }

  @Test func eachAttemptHasWhatIsLeftOfTheTimeout() async throws {
    let clock = SteppedClock()
    var policy = RetryPolicy()
    policy.clock = clock
    try await withScriptedServer { stream in
      stream.whenEnded { stream in
        if stream.index < 2 {
          stream.refuse(.unavailable, [("grpc-retry-pushback-ms", "30000")])
        } else {
          stream.answer("3")
        }
      }
    } _: { server, client async throws in
      let transport = client.retrying(policy)
      async let answer = transport.echo("", CallOptions(timeout: .seconds(100)))
      for attempt in 1...2 {
        try await server.requests.wait { $0.count == attempt }
        try await clock.sleepers.wait { $0 == 1 }
        clock.advance(by: .seconds(30))
      }
      #expect(try await answer == "3")
      let timeouts = server.requests.value.compactMap { request in
        request["grpc-timeout"].flatMap { Array($0.utf8).withUnsafeBytes { parseTimeout($0) } }
      }
      try #require(timeouts.count == 3)
      // On its way from the caller to the wire, an attempt loses some of what it has.
      for (timeout, left) in zip(timeouts, [100, 70, 40]) {
        #expect(timeout <= .seconds(left) && timeout > .seconds(left - 30), "\(timeout) of \(left) s")
      }
    }
  }

  @Test func aResponseThatHasBegunIsNotRetried() async throws {
    try await withScriptedServer { stream in
      stream.respond()
      stream.finish([("grpc-status", "14")])
    } _: { server, client in
      #expect(await rpcError { try await client.retrying().echo("") }?.code == .unavailable)
      #expect(server.requests.value.count == 1)
    }
  }

  @Test func callsBeyondWhatTheServerTakesAtOnceWait() async throws {
    var settings = HTTP2Settings()
    settings.concurrentStreamsMax = 2
    let waiting = Observed<[ScriptedStream.Remote]>([])
    try await withScriptedServer(settings: settings) { stream in
      if let remote = stream.remote { waiting.update { $0.append(remote) } }
    } _: { server, client in
      let calls = (0..<10).map { _ in Task { try await client.echo("") } }
      for count in 1...10 {
        try await waiting.wait { $0.count >= min(10, count + 1) }
        // None of them was refused or sent too soon.
        #expect(waiting.value.count <= count + 1)
        waiting.value[count - 1].perform { $0.answer("done") }
      }
      for call in calls { #expect(try await call.value == "done") }
      #expect(server.connections.value.made == 1)
    }
  }

  @Test func anIdleConnectionIsClosedAndMadeAgain() async throws {
    try await withScriptedServer(configure: { $0.idleTimeout = .milliseconds(20) }) { stream in
      stream.answer("")
    } _: { server, client in
      for _ in 0..<3 {
        #expect(try await client.echo("") == "")
        try await server.connections.wait { $0.open == 0 }
      }
      #expect(server.connections.value.made == 3)
    }
  }

  @Test func aConnectionWithCallsIsNotIdle() async throws {
    try await withScriptedServer(configure: { $0.idleTimeout = .milliseconds(20) }) { _ in
    } _: { server, client in
      let deadline = await rpcError { try await client.echo("", CallOptions(timeout: .seconds(2))) }
      #expect(deadline?.code == .deadlineExceeded)
      #expect(server.connections.value.made <= 1)
      try await server.connections.wait { $0.made == 1 && $0.open == 0 }
    }
  }

  @Test func aServerThatIsSilentFailsTheConnectionInTime() async throws {
    try await withScriptedServer(
      isSilent: true,
      configure: {
        $0.connectTimeout = .seconds(1)
        $0.backoff = Self.never
      }
    ) { _ in
    } _: { server, client in
      #expect(await rpcError { try await client.echo("") }?.message.hasSuffix("it took too long") == true)
      try await server.connections.wait { $0.made == 1 && $0.open == 0 }
    }
  }

  @Test func aConnectionWithoutASignOfLifeIsGivenUp() async throws {
    try await withScriptedServer(configure: {
      $0.keepalive.time = .milliseconds(10)
      $0.keepalive.timeout = .milliseconds(50)
    }) { stream in
      stream.connection.stopReading()
    } _: { _, client in
      let error = await rpcError { try await client.echo("") }
      #expect(error?.code == .unavailable)
      #expect(error?.message == "the server gave no sign of life")
    }
  }

  @Test func aConnectionThatAnswersPingsLives() async throws {
    try await withServerAndClient(
      client: {
        $0.keepalive.time = .milliseconds(5)
        $0.keepalive.timeout = .seconds(20)
      }
    ) { client in
      let error = await rpcError {
        let call: BidirectionalCall<Text, Text> = client.bidirectionalStreaming(
          Calls.bidirectional, CallOptions(timeout: .milliseconds(200)))
        var responses = call.responses.makeAsyncIterator()
        return try await responses.next()?.value
      }
      #expect(error?.code == .deadlineExceeded)
    }
  }
}
