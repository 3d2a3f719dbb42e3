import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// Deadlines, cancellation, lost connections and the server's end.
@Suite(.timeLimit(.minutes(5))) struct EndingTests {
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

  @Test func aHandlerThatWaitsHearsOfTheDeadline() async throws {
    let heard = Observed(StatusCode?.none)
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) -> ServerResponse<Text> in
        heard.update { $0 = .ok }
        do {
          for try await _ in requests {}
        } catch {
          heard.update { $0 = (error as? RPCError)?.code }
        }
        return try ServerResponse(Text())
      })
    try await withServer(service) { server in
      let call = try await server.connect().open(Calls.clientStreaming.path, [("grpc-timeout", "300m")])
      #expect(try await call.end().code == .deadlineExceeded)
      // On a machine that is slow enough the deadline comes before the handler.
      if heard.value != nil { #expect(try await heard.wait { $0 != .ok } == .deadlineExceeded) }
    }
  }

  /// What a handler's child tasks do while they wait for their call.
  private enum Wait: CaseIterable {
    case request, room
  }

  @Test("A task that is cancelled waits no longer, and its call goes on", arguments: Wait.allCases)
  private func childTask(wait: Wait) async throws {
    let code = Observed(StatusCode?.none)
    let service = HandMadeService(
      .bidirectionalStreaming(Calls.bidirectional) {
        (requests: RequestStream<Text>, responses: ResponseWriter<Text>, _) in
        let isWaiting = Observed(false)
        let child = Task {
          isWaiting.open()
          switch wait {
          case .request: for try await _ in requests {}
          case .room: while true { try await responses.send(Text(String(repeating: "x", count: 10_000))) }
          }
        }
        try await isWaiting.waitUntilOpen()
        child.cancel()
        let result = await child.result
        code.update { $0 = (result.failure as? RPCError)?.code }
        responses.addTrailers(.with("x-went-on", "yes"))
      })
    try await withServer(service) { server in
      let call = try await server.connect().open(Calls.bidirectional.path, holdsBack: true)
      #expect(try await code.wait { $0 != nil } == .cancelled)
      call.take()
      let answer = try await call.end()
      #expect(answer.code == .ok)
      #expect(answer["x-went-on"] == "yes")
    }
  }

  @Test func twoTasksCannotTakeTheRequestsOfOneCall() async throws {
    let codes = Observed<[StatusCode]>([])
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) -> ServerResponse<Text> in
        await withTaskGroup(of: Void.self) { group in
          for _ in 0..<2 {
            group.addTask {
              var iterator = requests.makeAsyncIterator()
              if let error = await rpcError({ try await iterator.next() }) { codes.update { $0.append(error.code) } }
            }
          }
        }
        return try ServerResponse(Text("done"))
      })
    try await withServer(service) { server in
      let call = try await server.connect().open(Calls.clientStreaming.path)
      #expect(try await codes.wait { !$0.isEmpty } == [.internal])
      // The first waits on, and gets what comes.
      try call.send(Text())
      #expect(try await call.end().texts == ["done"])
      #expect(codes.value == [.internal])
    }
  }

  @Test func aHandlerThatIgnoresItsCancellationDoesNotHoldUpTheEnd() async throws {
    let hasStarted = Observed(false)
    let mayEnd = Observed(false)
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in
        hasStarted.open()
        try await Task { try await mayEnd.waitUntilOpen() }.value
        return try ServerResponse(Text())
      })
    let server = RPCServer(services: [service], threads: 1)
    let address = try await server.start(host: "127.0.0.1", port: 0)
    let client = try await WireClient.connect(to: address)
    let call = try await client.open(Calls.unary.path)
    try call.send(Text())
    call.finish()
    try await hasStarted.waitUntilOpen()
    let error = await #expect(throws: HandlersRunning.self) {
      try await server.shutDown(grace: .zero, handlerGrace: .milliseconds(100))
    }
    #expect(error?.connections == 1)
    mayEnd.open()
  }

  @Test func theHandlerKnowsItsDeadline() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        let left = context.deadline.map { MonotonicInstant.now.duration(to: $0) }
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

extension Metadata {
  fileprivate static func with(_ key: String, _ text: String) -> Metadata {
    var metadata = Metadata()
    metadata.add(key, text)
    return metadata
  }
}

extension Result {
  fileprivate var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
