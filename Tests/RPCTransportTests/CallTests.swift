import Dispatch
import RPCCore
import RPCTestSupport
import Synchronization
import Testing

/// Calls of all four kinds over a socket.
@Suite(.timeLimit(.minutes(5))) struct CallTests {
  @Test func aUnaryCallIsAnsweredWithTrailers() async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.unary.path, [Text("hello")])
      #expect(answer.texts == ["hello"])
      #expect(answer.lists.count == 2)
      #expect(answer.lists.first?.map(\.name) == [":status", "content-type"])
      #expect(answer.lists.last?.map(\.name) == ["grpc-status"])
      #expect(answer.code == .ok)
      #expect(answer.closed == .noError)
    }
  }

  @Test func metadataGoesBothWays() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        var response = try ServerResponse(Text(context.metadata[text: "x-name"] ?? ""))
        response.metadata.add("x-bytes-bin", context.metadata[binary: "x-bytes-bin"] ?? [])
        response.trailers.add("x-last", context.metadata.entries.map(\.key).joined(separator: " "))
        return response
      })
    try await withServer(service) { server in
      let client = try await server.connect()
      // The second comes from what the server remembers of the first, the third does not.
      for name in ["ada", "ada", "grace"] {
        let answer = try await client.call(
          Calls.unary.path, [Text()], [("x-name", name), ("x-bytes-bin", "AQI="), ("user-agent", "test")])
        #expect(answer.texts == [name])
        #expect(answer["x-bytes-bin"] == "AQI")
        #expect(answer["x-last"] == "x-name x-bytes-bin user-agent")
      }
      let bare = try await client.call(Calls.unary.path, [Text()])
      #expect(bare.texts == [""])
      #expect(bare["x-last"] == "")
    }
  }

  @Test func serverStreamingGivesEveryResponseInOrder() async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.serverStreaming.path, [Text("20000")])
      #expect(answer.texts == (0..<20_000).map { "\($0)" })
      #expect(answer.code == .ok)
    }
  }

  @Test func aStreamWithoutResponsesEndsWithItsStatusAlone() async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.serverStreaming.path, [Text("0")])
      #expect(answer.lists.count == 1)
      #expect(answer.code == .ok)
    }
  }

  @Test func clientStreamingTakesEveryRequestInOrder() async throws {
    try await withServer { server in
      let numbers = (0..<5000).map { "\($0)" }
      let answer = try await server.connect().call(Calls.clientStreaming.path, numbers.map { Text($0) })
      #expect(answer.texts == [numbers.joined(separator: ",")])
    }
  }

  @Test func clientStreamingMayHaveNoRequest() async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.clientStreaming.path)
      #expect(answer.texts == [""])
    }
  }

  @Test func bothDirectionsGoAtTheirOwnPace() async throws {
    try await withServer { server in
      let call = try await server.connect().open(Calls.bidirectional.path)
      for number in 0..<200 {
        try call.send(Text("\(number)"))
        #expect(try await call.messages(number + 1).last == "\(number)")
      }
      call.finish()
      #expect(try await call.end().code == .ok)
    }
  }

  @Test func manyCallsOnManyConnectionsAreAllAnswered() async throws {
    try await withServer { server in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for connection in 0..<4 {
          let client = try await server.connect()
          for number in 0..<100 {
            group.addTask {
              let text = "\(connection) \(number)"
              let answer = try await client.call(Calls.unary.path, [Text(text)])
              #expect(answer.texts == [text])
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  private actor Counter {
    private var count = 0
    func next() -> Int {
      count += 1
      return count
    }
  }

  @Test func aHandlerMayLeaveItsLoop() async throws {
    let counter = Counter()
    let service = HandMadeService(
      .bidirectionalStreaming(Calls.bidirectional) {
        (requests: RequestStream<Text>, responses: ResponseWriter<Text>, _) in
        for try await request in requests {
          let number = await counter.next()
          // The whole of sending and receiving, on another thread.
          try await Task.detached {
            for copy in 0..<3 { try await responses.send(Text("\(request.value) \(number) \(copy)")) }
          }.value
        }
      })
    try await withServer(service) { server in
      let call = try await server.connect().open(Calls.bidirectional.path)
      for _ in 0..<100 { try call.send(Text("a")) }
      call.finish()
      let answer = try await call.end()
      #expect(answer.code == .ok)
      #expect(answer.texts == (1...100).flatMap { number in (0..<3).map { "a \(number) \($0)" } })
    }
  }

  private func telling(_ isCalled: Observed<Bool>) -> ServerMethod {
    .unary(Calls.unary) { (request: Text, _) in
      isCalled.open()
      return try ServerResponse(request)
    }
  }

  @Test func aHandlerThatIsAlwaysReadySharesItsLoop() async throws {
    let isCalled = Observed(false)
    let service = HandMadeService(
      telling(isCalled),
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        while !isCalled.value, !Task.isCancelled { await Task.yield() }
        try await responses.send(Text("2"))
      })
    try await withServer(service) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.serverStreaming.path)
      try call.send(Text())
      call.finish()
      // Comes out while its handler goes on, and so does another call come in.
      #expect(try await call.messages(1) == ["1"])
      #expect(try await client.call(Calls.unary.path, [Text("a")]).code == .ok)
      #expect(try await call.end().texts == ["1", "2"])
    }
  }

  @Test func handlersThatOthersAlwaysWakeShareTheirLoop() async throws {
    let isCalled = Observed(false)
    let seesaw = Seesaw()
    let service = HandMadeService(
      telling(isCalled),
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        while !isCalled.value, !Task.isCancelled { await seesaw.wakeTheOther() }
        seesaw.end()
        try await responses.send(Text("2"))
      })
    try await withServer(service) { server in
      let client = try await server.connect()
      var calls: [WireCall] = []
      for _ in 0..<2 {
        let call = try await client.open(Calls.serverStreaming.path)
        try call.send(Text())
        call.finish()
        calls.append(call)
      }
      #expect(try await client.call(Calls.unary.path, [Text("a")]).code == .ok)
      for call in calls { #expect(try await call.end().texts == ["1", "2"]) }
    }
  }

  @Test func aHandlerMaySendItsMetadataEarly() async throws {
    let mayGoOn = Observed(false)
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        var metadata = Metadata()
        metadata.add("x-early", "1")
        responses.send(metadata)
        try await mayGoOn.waitUntilOpen()
        responses.send(metadata)
        try await responses.send(Text("1"))
      })
    try await withServer(service) { server in
      let call = try await server.connect().open(Calls.serverStreaming.path)
      try call.send(Text())
      call.finish()
      try await call.received.wait { $0["x-early"] == "1" }
      mayGoOn.open()
      let answer = try await call.end()
      #expect(answer.texts == ["1"])
      #expect(answer.lists.joined().filter { $0.name == "x-early" }.count == 1)
    }
  }
}

/// Two tasks of one event loop, of which the one that runs has a thread beside wake the other, and waits until it did:
/// the loop is always given its next work while it does the last.
private final class Seesaw: Sendable {
  private let resting = Mutex<CheckedContinuation<Void, Never>?>(nil)
  private let thread = DispatchQueue(label: "seesaw")

  /// Wakes the other, and returns once that has called this or `end`.
  func wakeTheOther() async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let other = resting.withLock { resting in
        defer { resting = continuation }
        return resting
      }
      guard let other else { return }
      let isWoken = DispatchSemaphore(value: 0)
      thread.async {
        other.resume()
        isWoken.signal()
      }
      isWoken.wait()
    }
  }

  /// Leaves the other to itself.
  func end() {
    let other = resting.withLock { resting in
      defer { resting = nil }
      return resting
    }
    other?.resume()
  }
}
