import RPCCore
import RPCTestSupport
import Testing

/// Deadlines, cancellation, lost connections and the server's end.
@Suite(.timeLimit(.minutes(1))) struct EndingTests {
  /// A unary method that waits for its cancellation, whatever kind of waiting that is.
  private struct Waiting {
    let hasStarted = Observed(0)
    let isCancelled = Observed(false)

    var service: HandMadeService {
      HandMadeService(
        .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in
          hasStarted.update { $0 += 1 }
          try await waitForCancellation(isCancelled)
          return try ServerResponse(Text())
        },
        .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) -> ServerResponse<Text> in
          hasStarted.update { $0 += 1 }
          do {
            for try await _ in requests {}
          } catch {
            isCancelled.open()
            throw error
          }
          return try ServerResponse(Text())
        })
    }

    /// Opens a call and returns once its handler waits.
    func open(_ client: WireClient, _ path: String, _ fields: [(String, String)] = []) async throws -> WireCall {
      let before = hasStarted.value
      let call = try await client.open(path, fields)
      if path == Calls.unary.path {
        try call.send(Text())
        call.finish()
      }
      try await hasStarted.wait { $0 > before }
      return call
    }
  }

  @Test(arguments: [Calls.unary.path, Calls.clientStreaming.path])
  func theDeadlineEndsTheCallAndCancelsItsHandler(path: String) async throws {
    let waiting = Waiting()
    try await withServer(waiting.service) { server in
      let call = try await server.connect().open(path, [("grpc-timeout", "300m")])
      if path == Calls.unary.path {
        try call.send(Text())
        call.finish()
      }
      #expect(try await call.end().code == .deadlineExceeded)
      // On a machine that is slow enough the deadline comes before the handler.
      if waiting.hasStarted.value > 0 { try await waiting.isCancelled.waitUntilOpen() }
    }
  }

  @Test func theHandlerKnowsItsDeadline() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        let left = context.deadline.map { ContinuousClock.now.duration(to: $0) }
        return try ServerResponse(Text(left.map { "\($0 > .seconds(3000) && $0 <= .seconds(3600))" } ?? "none"))
      })
    try await withServer(service) { server in
      let client = try await server.connect()
      #expect(try await client.call(Calls.unary.path, [Text()], [("grpc-timeout", "1H")]).texts == ["true"])
      #expect(try await client.call(Calls.unary.path, [Text()]).texts == ["none"])
    }
  }

  @Test func theLongestTimeoutIsNoProblem() async throws {
    try await withServer { server in
      let client = try await server.connect()
      // One that outlives its turn of the loop, so that its timer is set.
      let call = try await client.open(Calls.bidirectional.path, [("grpc-timeout", "99999999H")])
      try call.send(Text("1"))
      #expect(try await call.messages(1) == ["1"])
      call.finish()
      #expect(try await call.end().code == .ok)
    }
  }

  @Test func aDeadlineThatHasPassedStartsNothing() async throws {
    let waiting = Waiting()
    try await withServer(waiting.service) { server in
      let answer = try await server.connect().call(Calls.unary.path, [Text()], [("grpc-timeout", "0n")])
      #expect(answer.code == .deadlineExceeded)
      #expect(waiting.hasStarted.value == 0)
    }
  }

  @Test func theDeadlineHoldsForARequestThatDoesNotEnd() async throws {
    try await withServer { server in
      let call = try await server.connect().open(Calls.unary.path, [("grpc-timeout", "50m")])
      #expect(try await call.end().code == .deadlineExceeded)
    }
  }

  @Test(arguments: [Calls.unary.path, Calls.clientStreaming.path])
  func aResetCancelsTheHandler(path: String) async throws {
    let waiting = Waiting()
    let recorder = CallRecorder()
    try await withServer(waiting.service, configure: { $0.interceptors = [recorder] }) { server in
      try await waiting.open(try await server.connect(), path).reset()
      try await waiting.isCancelled.waitUntilOpen()
      #expect(try await recorder.calls.wait { !$0.isEmpty }.map(\.code) == [.cancelled])
    }
  }

  @Test(arguments: [Calls.unary.path, Calls.clientStreaming.path])
  func aLostConnectionCancelsTheHandler(path: String) async throws {
    let waiting = Waiting()
    try await withServer(waiting.service) { server in
      let client = try await server.connect()
      _ = try await waiting.open(client, path)
      try await client.disconnect()
      try await waiting.isCancelled.waitUntilOpen()
    }
  }

  @Test func aResetLeavesOtherCallsAlone() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let first = try await client.open(Calls.bidirectional.path)
      let second = try await client.open(Calls.bidirectional.path)
      try first.send(Text("1"))
      try second.send(Text("2"))
      try await first.messages(1)
      first.reset()
      #expect(try await second.messages(1) == ["2"])
      try second.send(Text("3"))
      #expect(try await second.messages(2) == ["2", "3"])
    }
  }

  @Test func aShutdownLetsCallsFinishAndTakesNoOthers() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.bidirectional.path)
      try call.send(Text("1"))
      try await call.messages(1)
      async let isShutDown: Void = server.shutDown(grace: .seconds(30))
      try await client.state.wait { !$0.goAways.isEmpty }
      let late = try await client.open(Calls.unary.path)
      #expect(try await late.end().code == nil)
      try call.send(Text("2"))
      #expect(try await call.messages(2) == ["1", "2"])
      call.finish()
      #expect(try await call.end().code == .ok)
      try await isShutDown
      try await client.state.wait { $0.isClosed }
      await #expect(throws: (any Error).self) { try await server.connect() }
    }
  }

  @Test func aShutdownEndsCallsAfterTheGraceTime() async throws {
    let waiting = Waiting()
    try await withServer(waiting.service) { server in
      let client = try await server.connect()
      let call = try await waiting.open(client, Calls.unary.path)
      try await server.shutDown(grace: .milliseconds(50))
      try await waiting.isCancelled.waitUntilOpen()
      #expect(try await call.end().code != .ok)
      try await client.state.wait { $0.isClosed }
    }
  }

  @Test func aShutdownClosesIdleConnectionsAtOnce() async throws {
    try await withServer { server in
      let client = try await server.connect()
      _ = try await client.call(Calls.unary.path, [Text("1")])
      try await server.shutDown(grace: .seconds(30))
      try await client.state.wait { $0.isClosed }
    }
  }

  @Test func connectionsOverTheLimitAreClosed() async throws {
    try await withServer(configure: { $0.connectionsMax = 2 }) { server in
      let first = try await server.connect()
      _ = try await first.call(Calls.unary.path, [Text("1")])
      let second = try await server.connect()
      _ = try await second.call(Calls.unary.path, [Text("1")])
      let third = try await server.connect()
      try await third.state.wait { $0.isClosed }
      #expect(try await first.call(Calls.unary.path, [Text("1")]).texts == ["1"])
      // One that goes makes room.
      try await second.disconnect()
      try await untilItWorks {
        let client = try await server.connect()
        let call = try await client.open(Calls.unary.path)
        try call.send(Text("1"))
        call.finish()
        return try await call.end().texts == ["1"]
      }
    }
  }

  /// Tries again until it works; the time limit of the suite ends it otherwise.
  private func untilItWorks(_ attempt: () async throws -> Bool) async throws {
    // A connection that was closed as it came is the reason to try again.
    while !((try? await attempt()) ?? false) { try Task.checkCancellation() }
  }
}
