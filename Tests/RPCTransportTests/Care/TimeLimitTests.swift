import HTTP2
import NIOCore
import NIOPosix
import NIOSSL
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// What may take only so long.
@Suite(.timeLimit(.minutes(5))) struct TimeLimitTests {
  private static let short = Duration.milliseconds(50)

  @Test("A connection without a request is sent away", arguments: [[], Frame.preface, FrameClient.Options().greeting])
  func firstRequest(greeting: [UInt8]) async throws {
    try await withServer(
      configure: {
        $0.limits.firstRequest = Self.short
        $0.limits.letClientsRead()
      }
    ) { server in
      var options = FrameClient.Options()
      options.greeting = greeting
      options.acknowledgesSettings = false
      let client = try await FrameClient.connect(to: server.address, options)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [GoAway(lastStream: 0, code: .noError, reason: "no_request")])
    }
  }

  @Test func aHandshakeCountsAsTimeToTheFirstRequest() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load()), configure: { $0.limits.firstRequest = Self.short }) { server in
      let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(to: server.address).get()
      try await within { try await silent.closeFuture.get() }
    }
  }

  @Test func afterItsFirstRequestAConnectionMayStay() async throws {
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.firstRequest = Self.short
        $0.follow(time)
      }
    ) { server in
      let client = try await server.connect()
      _ = try await client.call(Calls.unary.path, [Text("1")])
      // As long as it takes to send others away.
      let other = try await FrameClient.connect(to: server.address)
      try await other.seen.wait { !$0.frames.isEmpty }
      time.advance(by: Self.short)
      try await other.seen.wait { $0.isClosed }
      #expect(try await client.call(Calls.unary.path, [Text("2")]).texts == ["2"])
    }
  }

  private static let endlessHeaders = [
    // The payload never comes to its end.
    Array(Frame.headers(Calls.unary.path, stream: 1).bytes.dropLast(3)),
    // Nor do the frames.
    Frame.headers(Calls.unary.path, stream: 1, flags: 0).bytes,
    Frame.headers(Calls.unary.path, stream: 1, flags: 0).bytes
      + Frame(type: .continuation, stream: 1, payload: [0]).bytes,
  ]

  @Test("Headers that do not end send the client away", arguments: endlessHeaders)
  func slowHeaders(bytes: [UInt8]) async throws {
    try await withServer(
      configure: {
        $0.limits.header = Self.short
        $0.limits.letClientsRead()
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      // Nothing may stand between headers and their end, such as the acknowledgement of SETTINGS.
      try await client.seen.wait { !$0.frames.isEmpty }
      client.send(bytes)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [GoAway(lastStream: 1, code: .enhanceYourCalm, reason: "slow_headers")])
    }
  }

  @Test func theTimeForHeadersEndsWithThem() async throws {
    try await withServer(
      configure: {
        $0.limits.header = Self.short
        $0.limits.keepaliveTime = Self.short
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      client.send(.headers(Calls.unary.path, stream: 1))
      // Malformed ones end, too.
      client.send(Frame(type: .headers, flags: Frame.endOfHeaders, stream: 3, payload: [0, 1, 0x41, 0]))
      let seen = try await client.seen.wait { $0.pings.count >= 4 || $0.isClosed }
      #expect(!seen.isClosed)
      client.send(.lastMessage(stream: 1))
      try await client.seen.wait { $0.isEnded(1) }
    }
  }

  /// Waits until the server has found that a call of `client` takes too long.
  private func waitForASlowCall(_ client: WireClient, _ path: String, _ bytes: [UInt8]) async throws -> Received {
    let call = try await client.open(path)
    call.send(bytes)
    return try await call.end()
  }

  @Test(
    "A message that does not come to its end ends its call",
    arguments: [
      (Calls.unary.path, [UInt8]([0])), (Calls.serverStreaming.path, [0, 0, 0, 0, 9, 1]),
      (Calls.clientStreaming.path, [0, 0, 0]), (Calls.bidirectional.path, [0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1]),
      // Whole, but not said to be all.
      (Calls.unary.path, [0, 0, 0, 0, 0]),
    ])
  func slowBody(path: String, bytes: [UInt8]) async throws {
    let recorder = CallRecorder()
    try await withServer(
      configure: {
        $0.limits.body = Self.short
        $0.interceptors = [recorder]
      }
    ) { server in
      let client = try await server.connect()
      let other = try await client.open(Calls.bidirectional.path)
      let answer = try await waitForASlowCall(client, path, bytes)
      #expect(answer.code == .deadlineExceeded)
      #expect(answer.message == "the request took longer than 0.05 seconds to come in")
      #expect(recorder.calls.value.map(\.error?.reason) == ["REQUEST_TOO_SLOW"])
      try other.send(Text("1"))
      #expect(try await other.messages(1) == ["1"])
    }
  }

  @Test func aStreamMayRestBetweenMessages() async throws {
    try await withServer(configure: { $0.limits.body = Self.short }) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.bidirectional.path)
      try call.send(Text("1"))
      try await call.messages(1)
      for _ in 0..<2 { _ = try await waitForASlowCall(client, Calls.unary.path, [0]) }
      try call.send(Text("2"))
      #expect(try await call.messages(2) == ["1", "2"])
    }
  }

  @Test func messagesThatAreNeverCutWhereBytesComeInAreNotSlow() async throws {
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.body = Self.short
        $0.follow(time)
      }
    ) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.bidirectional.path)
      let isSlowOver = Observed(false)
      Task {
        _ = try await waitForASlowCall(client, Calls.unary.path, [0])
        isSlowOver.open()
      }
      var count = 0
      call.send([0])
      while !isSlowOver.value {
        time.advance(by: Self.short / 4)
        // The rest of an empty message, and the beginning of the next.
        call.send([0, 0, 0, 0, 0])
        count += 1
        try await call.messages(count)
      }
      call.send([0, 0, 0, 0])
      call.finish()
      let answer = try await call.end()
      #expect(answer.code == .ok)
      #expect(answer.texts.count == count + 1)
    }
  }

  @Test func aCallerThatIsHeldBackIsNotSlow() async throws {
    let mayTake = Observed(false)
    let time = Observed(MonotonicInstant.now)
    let service = HandMadeService(
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
        try await mayTake.waitUntilOpen()
        var count = 0
        for try await _ in requests { count += 1 }
        return try ServerResponse(Text("\(count)"))
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
    try await withServer(
      service,
      configure: {
        $0.limits.body = Self.short
        $0.http2.streamWindowBytes = 64 << 10
        $0.follow(time)
      }
    ) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.clientStreaming.path)
      // The window ends inside one of them.
      for _ in 0..<200 { try call.send(Text(String(repeating: "x", count: 1000))) }
      call.finish()
      for _ in 0..<2 {
        let slow = try await client.open(Calls.unary.path)
        slow.send([0])
        // What was sent before this call has come in when it is answered.
        _ = try await client.call(Calls.unary.path, [Text()])
        time.advance(by: Self.short)
        #expect(try await slow.end().code == .deadlineExceeded)
      }
      #expect(try await call.unsentBytes() > 0)
      mayTake.open()
      #expect(try await call.end().texts == ["200"])
    }
  }

  @Test func aClientThatDoesNotReadIsClosed() async throws {
    let outcome = Observed(StatusCode?.none)
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        do {
          while true { try await responses.send(Text(String(repeating: "x", count: 16 << 10))) }
        } catch {
          outcome.update { $0 = (error as? RPCError)?.code }
          throw error
        }
      })
    try await withServer(
      service,
      configure: {
        $0.limits.unreadOutput = Self.short
        $0.limits.keepaliveTime = nil
      }
    ) { server in
      var options = FrameClient.Options()
      options.reads = false
      // No window keeps the server from sending.
      options.greeting =
        Frame.preface + Frame.settings((id: 4, value: 0x7FFF_FFFF)).bytes
        + Frame.windowUpdate(0, 0x7FFF_FFFF - 65_535).bytes
      let client = try await FrameClient.connect(to: server.address, options)
      client.send(.headers(Calls.serverStreaming.path, stream: 1), .lastMessage(stream: 1))
      #expect(try await outcome.wait { $0 != nil } == .cancelled)
      await client.close()
    }
  }
}
