import HTTP2
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// Frames that cost the server work and the client nothing.
@Suite(.timeLimit(.minutes(5))) struct FloodTests {
  static let cheapFrames = [
    Frame.settings(), .windowUpdate(0, 1), .windowUpdate(1, 1),
    Frame(type: .ping, flags: Frame.acknowledgement, payload: Frame.ping.payload),
    Frame(type: .priority, stream: 3, payload: [0, 0, 0, 0, 1]), Frame(type: .data, stream: 1),
  ]

  @Test("A flood of frames that bring no call on ends the connection", arguments: cheapFrames)
  func flood(frame: Frame) async throws {
    let burst = 20
    try await withServer(
      configure: {
        $0.limits.controlFramesBurst = burst
        $0.limits.controlFramesPerSecond = 0
        $0.limits.letClientsRead()
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      // Its SETTINGS, and the acknowledgement of the server's, were the first two.
      try await client.seen.wait { $0.frames.contains { $0.type == .settings && $0.flags == 0 } }
      client.send(.headers(Calls.bidirectional.path, stream: 1))
      for _ in 0..<(burst - 2) { client.send(frame) }
      try await client.call(Calls.unary.path, stream: 5)
      #expect(client.seen.value.goAways.isEmpty)
      client.send(frame)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [GoAway(lastStream: 5, code: .enhanceYourCalm, reason: "too_many_frames")])
    }
  }

  /// What has the server reset a stream of the client's, which no count of the client's own resets sees (CVE-2025-8671).
  private static let provocations: [(String, @Sendable (UInt32) -> [Frame])] = [
    ("a window past its end", { [.windowUpdate($0, 0x7FFF_FFFF)] }),
    ("a field that no client may send", { [.headers(Calls.bidirectional.path, stream: $0 + 1000, [("a", "b\u{1}")])] }),
  ]

  @Test("Resets that the client provokes end the connection", arguments: provocations.indices)
  func provokedResets(index: Int) async throws {
    try await withServer(
      configure: {
        $0.limits.controlFramesBurst = 60
        $0.limits.controlFramesPerSecond = 0
        $0.limits.letClientsRead()
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      for stream in (0..<100).map({ UInt32(2 * $0 + 1) }) {
        client.send(.headers(Calls.bidirectional.path, stream: stream))
        for frame in Self.provocations[index].1(stream) { client.send(frame) }
      }
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways.map(\.reason) == ["too_many_frames"])
      #expect(seen.frames.count { $0.type == .resetStream } >= 20)
    }
  }

  @Test func requestsAreRefusedWhileHandlersOfCancelledCallsRun() async throws {
    let running = Observed(0)
    let mayEnd = Observed(false)
    let service = HandMadeService(
      .bidirectionalStreaming(Calls.bidirectional) { (_: RequestStream<Text>, _: ResponseWriter<Text>, _) in
        running.update { $0 += 1 }
        // Not cancelled with its call.
        try await Task { try await mayEnd.waitUntilOpen() }.value
      })
    try await withServer(service, configure: { $0.http2.concurrentStreamsMax = 3 }) { server in
      let client = try await server.connect()
      for count in 1...6 {
        let call = try await client.open(Calls.bidirectional.path)
        try await running.wait { $0 == count }
        call.reset()
      }
      #expect(try await client.open(Calls.bidirectional.path).end().closed == .refusedStream)
      mayEnd.open()
      let other = try await server.connect()
      _ = try await other.call(Calls.bidirectional.path)
      #expect(running.value == 7)
    }
  }

  @Test func aFloodThatHTTP2ItselfDoesNotBearEndsTheSameWay() async throws {
    try await withServer(
      configure: {
        $0.limits.controlFramesBurst = 100_000
        $0.http2.unsentAnswersMax = 1000
        $0.limits.letClientsRead()
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      let flood = Array(repeating: Frame.settings().bytes, count: 10_000).flatMap { $0 }
      client.send(flood)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [GoAway(lastStream: 0, code: .enhanceYourCalm, reason: "too_many_frames")])
    }
  }
}
