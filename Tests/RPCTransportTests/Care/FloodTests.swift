import HTTP2
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// Frames that cost the server work and the client nothing.
@Suite(.timeLimit(.minutes(1))) struct FloodTests {
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

  @Test func aFloodThatHTTP2ItselfDoesNotBearEndsTheSameWay() async throws {
    try await withServer(
      configure: {
        $0.limits.controlFramesBurst = 100_000
        $0.http2.unsentAcksMax = 1000
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
