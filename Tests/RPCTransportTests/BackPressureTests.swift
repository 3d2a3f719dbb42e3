import RPCCore
import RPCTestSupport
import Testing

/// A side that stops holds back the other, and grows nothing.
@Suite(.timeLimit(.minutes(5))) struct BackPressureTests {
  private static let chunk = Text(String(repeating: "x", count: 1000))
  // The message, its tag and length, and the frame around it.
  private static let chunkBytes = 1008
  private static let streamUnsentBytesMax = 8 << 10
  private static let window = 65_535

  /// Sends as many chunks as the request says, and counts them.
  private func counting(_ sent: Observed<Int>) -> HandMadeService {
    HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (request: Text, responses: ResponseWriter<Text>, _) in
        for _ in 0..<(Int(request.value) ?? 0) {
          try await responses.send(Self.chunk)
          sent.update { $0 += 1 }
        }
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
  }

  @Test func aReaderThatStopsSuspendsItsHandlerUntilItReads() async throws {
    let sent = Observed(0)
    try await withServer(
      counting(sent), configure: { $0.streamUnsentBytesMax = Self.streamUnsentBytesMax }
    ) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.serverStreaming.path, holdsBack: true)
      try call.send(Text("1000"))
      call.finish()
      try await call.received.wait { $0.body.count == Self.window }
      // Other calls go on, and let the handler go as far as it gets.
      for _ in 0..<20 { #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["1"]) }
      let most = (Self.window + Self.streamUnsentBytesMax) / Self.chunkBytes + 1
      #expect(sent.value <= most)
      #expect(call.received.value.closed == nil)
      call.take()
      let answer = try await call.end()
      #expect(answer.texts.count == 1000)
      #expect(answer.code == .ok)
      #expect(sent.value == 1000)
    }
  }

  @Test func messagesThatAreSentTogetherAreHeldBackToo() async throws {
    let sent = Observed(0)
    let texts = (0..<1000).map { "\($0) " + Self.chunk.value }
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        let encoded = EncodedMessages(try texts.map { try EncodedMessage(Text($0)) })
        for start in stride(from: 0, to: texts.count, by: 10) {
          try await responses.send(encoded, start..<(start + 10))
          sent.update { $0 += 10 }
        }
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
    try await withServer(service, configure: { $0.streamUnsentBytesMax = Self.streamUnsentBytesMax }) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.serverStreaming.path, holdsBack: true)
      try call.send(Text())
      call.finish()
      try await call.received.wait { $0.body.count == Self.window }
      for _ in 0..<20 { #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["1"]) }
      #expect(sent.value <= (Self.window + Self.streamUnsentBytesMax) / Self.chunkBytes + 10)
      call.take()
      let answer = try await call.end()
      #expect(answer.texts == texts)
      #expect(answer.code == .ok)
    }
  }

  @Test func allStreamsOfAConnectionShareABound() async throws {
    let sent = Observed(0)
    try await withServer(
      counting(sent),
      configure: {
        $0.streamUnsentBytesMax = 1 << 20
        $0.connectionUnsentBytesMax = 64 << 10
      }
    ) { server in
      let client = try await server.connect()
      var calls: [WireCall] = []
      for _ in 0..<20 {
        let call = try await client.open(Calls.serverStreaming.path, holdsBack: true)
        try call.send(Text("1000"))
        call.finish()
        calls.append(call)
      }
      // The first to fill the bound hold back the others, until somebody reads.
      try await calls[0].received.wait { $0.body.count == Self.window }
      for _ in 0..<20 { _ = try await client.call(Calls.unary.path, [Text("1")]) }
      // Each stream may be one message over.
      let most = (20 * Self.window + (64 << 10)) / Self.chunkBytes + 20
      #expect(sent.value <= most)
      for call in calls { call.take() }
      for call in calls { #expect(try await call.end().texts.count == 1000) }
    }
  }

  @Test func aReaderThatGoesAwayFreesItsHandler() async throws {
    let outcome = Observed(StatusCode?.none)
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        do {
          while true { try await responses.send(Self.chunk) }
        } catch {
          outcome.update { $0 = (error as? RPCError)?.code }
          throw error
        }
      })
    try await withServer(service) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.serverStreaming.path, holdsBack: true)
      try call.send(Text())
      call.finish()
      try await call.received.wait { $0.body.count == Self.window }
      call.reset()
      #expect(try await outcome.wait { $0 != nil } == .cancelled)
    }
  }

  @Test func aHandlerThatStopsHoldsBackItsCaller() async throws {
    let isTaking = Observed(false)
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
        try await isTaking.waitUntilOpen()
        var count = 0
        for try await _ in requests { count += 1 }
        return try ServerResponse(Text("\(count)"))
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
    try await withServer(service, configure: { $0.http2.streamWindowBytes = 64 << 10 }) { server in
      let client = try await server.connect()
      // The server's settings have come once it answered.
      _ = try await client.call(Calls.unary.path, [Text("1")])
      let call = try await client.open(Calls.clientStreaming.path)
      for _ in 0..<1000 { try call.send(Self.chunk) }
      call.finish()
      for _ in 0..<20 { _ = try await client.call(Calls.unary.path, [Text("1")]) }
      #expect(try await call.unsentBytes() >= 1000 * Self.chunkBytes - (64 << 10))
      isTaking.open()
      #expect(try await call.end().texts == ["1000"])
    }
  }

  @Test func aMessageLargerThanTheWindowArrives() async throws {
    try await withServer { server in
      let text = String(repeating: "y", count: 3 << 20)
      let client = try await server.connect()
      #expect(try await client.call(Calls.unary.path, [Text(text)]).texts == [text])
      #expect(try await client.call(Calls.bidirectional.path, [Text(text)]).texts == [text])
    }
  }
}
