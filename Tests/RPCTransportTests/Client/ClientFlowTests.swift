import HTTP2
import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// A side that stops holds back the other, and grows nothing.
@Suite(.timeLimit(.minutes(5))) struct ClientFlowTests {
  private static let chunk = Text(String(repeating: "x", count: 1000))
  // The message, its tag and length, and the frame around it.
  private static let chunkBytes = 1008
  private static let window = 64 << 10

  @Test func aCallThatIsNotReadHoldsBackItsServerAndNoOtherCall() async throws {
    let sent = Observed(0)
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        for _ in 0..<1000 {
          try await responses.send(Self.chunk)
          sent.update { $0 += 1 }
        }
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
    let unsentBytesMax = 8 << 10
    try await withServerAndClient(
      service, server: { $0.streamUnsentBytesMax = unsentBytesMax },
      client: {
        $0.http2.streamWindowBytes = Int32(Self.window)
        $0.http2.connectionWindowBytes = Int32(Self.window) * 2
      }
    ) { client in
      // Together they have more to say than the connection's window holds.
      var streams: [ResponseStream<Text>] = []
      for _ in 0..<3 {
        streams.append(try await client.serverStreaming(Calls.serverStreaming, Text(), CallOptions()))
      }
      let full = 3 * (Self.window / Self.chunkBytes)
      try await sent.wait { $0 >= full }
      for _ in 0..<20 { #expect(try await client.echo("1") == "1") }
      #expect(sent.value <= 3 * ((Self.window + unsentBytesMax) / Self.chunkBytes + 2))
      for stream in streams {
        var count = 0
        for try await response in stream { count += response == Self.chunk ? 1 : 0 }
        #expect(count == 1000)
      }
    }
  }

  @Test func aServerThatDoesNotReadHoldsBackItsCaller() async throws {
    let isTaking = Observed(false)
    let sent = Observed(0)
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
        try await isTaking.waitUntilOpen()
        var count = 0
        for try await _ in requests { count += 1 }
        return try ServerResponse(Text("\(count)"))
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
    let unsentBytesMax = 8 << 10
    try await withServerAndClient(
      service, server: { $0.http2.streamWindowBytes = Int32(Self.window) },
      client: { $0.streamUnsentBytesMax = unsentBytesMax }
    ) { client in
      async let answer: Text = client.clientStreaming(Calls.clientStreaming, CallOptions()) {
        (requests: RequestWriter<Text>) in
        for _ in 0..<1000 {
          sent.update { $0 += 1 }
          try await requests.send(Self.chunk)
        }
      }
      try await sent.wait { $0 >= Self.window / Self.chunkBytes }
      for _ in 0..<20 { #expect(try await client.echo("1") == "1") }
      #expect(sent.value <= (Self.window + 2 * unsentBytesMax) / Self.chunkBytes + 2)
      isTaking.open()
      #expect(try await answer.value == "1000")
    }
  }

  @Test func aCallWithoutAConnectionHoldsBackItsCaller() async throws {
    let sent = Observed(0)
    try await withScriptedServer(isSilent: true, configure: { $0.streamUnsentBytesMax = 8 << 10 }) { _ in
    } _: { server, client in
      let caller = Task {
        let answer: Text = try await client.clientStreaming(Calls.clientStreaming, CallOptions()) {
          (requests: RequestWriter<Text>) in
          for _ in 0..<1000 {
            sent.update { $0 += 1 }
            try await requests.send(Self.chunk)
          }
        }
        return answer
      }
      try await sent.wait { $0 == 9 }
      try await server.connections.wait { $0.open == 1 }
      #expect(sent.value == 9)
      caller.cancel()
      #expect(await rpcError { try await caller.value }?.code == .cancelled)
    }
  }

  @Test func aStreamIsReadFasterThanItsWindowByQuarters() async throws {
    // 4000 messages through a window of 64: a window that is not given back ends this at the time limit.
    try await withServerAndClient(client: { $0.http2.streamWindowBytes = 1024 }) { client in
      let responses: ResponseStream<Text> = try await client.serverStreaming(
        Calls.serverStreaming, Text("4000"), CallOptions())
      var count = 0
      for try await _ in responses { count += 1 }
      #expect(count == 4000)
    }
  }
}
