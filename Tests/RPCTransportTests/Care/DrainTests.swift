import HTTP2
import NIOCore
import NIOSSL
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// How connections go away.
@Suite(.timeLimit(.minutes(5))) struct DrainTests {
  private static let short = Duration.milliseconds(50)
  private static let announcement = GoAway(lastStream: GoAway.allStreams, code: .noError)

  @Test("An idle connection is closed in two steps", arguments: [true, false])
  func idle(isTLS: Bool) async throws {
    let files = try ServerFiles()
    let security = isTLS ? ServerSecurity.tls(try files.load()) : .plaintext
    try await withServer(security: security, configure: { $0.limits.idle = Self.short }) { server in
      let client = try await connect(to: server, FrameClient.Options(), isTLS ? files : nil)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [Self.announcement, GoAway(lastStream: 0, code: .noError)])
    }
  }

  @Test func aConnectionWithACallIsNotIdle() async throws {
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.idle = Self.short
        $0.follow(time)
      }
    ) { server in
      let busy = try await server.connect()
      let call = try await busy.open(Calls.bidirectional.path)
      try call.send(Text("1"))
      try await call.messages(1)
      let idle = try await FrameClient.connect(to: server.address)
      try await idle.seen.wait { !$0.frames.isEmpty }
      time.advance(by: Self.short)
      try await idle.seen.wait { $0.isClosed }
      try call.send(Text("2"))
      #expect(try await call.messages(2) == ["1", "2"])
      #expect(busy.state.value.goAways.isEmpty)
    }
  }

  @Test func anOldConnectionFinishesItsCalls() async throws {
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.ageMax = Self.short
        $0.follow(time)
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      try await client.open(Calls.bidirectional.path, stream: 1)
      // Past its age, give or take.
      time.advance(by: Self.short * 2)
      try await client.seen.wait { $0.goAways.count == 2 }
      client.send(Frame(type: .data, stream: 1, payload: [0, 0, 0, 0, 0]))
      try await client.seen.wait { $0.frames.contains { $0.type == .data } }
      #expect(!client.seen.value.isOver)
      client.send(.lastMessage(stream: 1))
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.isEnded(1))
      #expect(seen.goAways == [Self.announcement, GoAway(lastStream: 1, code: .noError)])
    }
  }

  @Test func aDrainThatTakesTooLongEndsWithTheConnection() async throws {
    let recorder = CallRecorder()
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.ageMax = Self.short
        $0.limits.ageGrace = Self.short
        $0.interceptors = [recorder]
        $0.follow(time)
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      try await client.open(Calls.bidirectional.path, stream: 1)
      time.advance(by: Self.short * 2)
      try await client.seen.wait { $0.goAways.count == 2 }
      time.advance(by: Self.short)
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways.first == Self.announcement)
      #expect(!seen.isEnded(1))
      #expect(try await recorder.calls.wait { !$0.isEmpty }.map(\.code) == [.cancelled])
    }
  }

  @Test func aRequestThatIsOnItsWayAtAShutdownIsServed() async throws {
    try await withServer(configure: { $0.limits.announcementMax = .seconds(3600) }) { server in
      var options = FrameClient.Options()
      options.answersPings = false
      let client = try await FrameClient.connect(to: server.address, options)
      try await client.call(Calls.unary.path, stream: 1)
      async let shutDown: Void = server.shutDown(grace: .seconds(3600))
      let announced = try await client.seen.wait { !$0.goAways.isEmpty && !$0.pings.isEmpty }
      #expect(announced.goAways == [Self.announcement])
      // Sent before the client has read that.
      try await client.call(Calls.unary.path, stream: 3)
      #expect(client.seen.value.isEnded(3))
      #expect(client.seen.value.goAways == [Self.announcement])
      let ping = try #require(announced.pings.first)
      client.send(Frame(type: .ping, flags: Frame.acknowledgement, payload: ping.payload))
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [Self.announcement, GoAway(lastStream: 3, code: .noError)])
      try await shutDown
    }
  }

  @Test func aClientThatDoesNotAnswerTheAnnouncementIsNotWaitedForLong() async throws {
    try await withServer(configure: { $0.limits.announcementMax = Self.short }) { server in
      var options = FrameClient.Options()
      options.answersPings = false
      let client = try await FrameClient.connect(to: server.address, options)
      try await client.call(Calls.unary.path, stream: 1)
      try await within { try await server.shutDown(grace: .seconds(3600)) }
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.goAways == [Self.announcement, GoAway(lastStream: 1, code: .noError)])
    }
  }

  @Test func aPingOfKeepaliveIsNoAnswerToTheAnnouncement() async throws {
    let time = Observed(MonotonicInstant.now)
    try await withServer(
      configure: {
        $0.limits.announcementMax = .seconds(3600)
        $0.limits.keepaliveTime = Self.short
        $0.follow(time)
      }
    ) { server in
      var options = FrameClient.Options()
      options.answersPings = false
      let client = try await FrameClient.connect(to: server.address, options)
      // Whatever the server reads is a sign of life: the acknowledgement of its SETTINGS must have come in.
      try await client.seen.wait { !$0.frames.isEmpty }
      try await client.call(Calls.unary.path, stream: 1)
      time.advance(by: Self.short)
      let ofKeepalive = try await client.seen.wait { !$0.pings.isEmpty }.pings[0]
      async let shutDown: Void = server.shutDown(grace: .seconds(3600))
      let announced = try await client.seen.wait { !$0.goAways.isEmpty && $0.pings.count == 2 }.pings[1]
      client.send(Frame(type: .ping, flags: Frame.acknowledgement, payload: ofKeepalive.payload))
      try await client.call(Calls.unary.path, stream: 3)
      #expect(client.seen.value.goAways == [Self.announcement])
      client.send(Frame(type: .ping, flags: Frame.acknowledgement, payload: announced.payload))
      try await shutDown
    }
  }

  @Test func aShutdownLeavesCallsItsOwnTimeNotThatOfOldConnections() async throws {
    try await withServer(
      configure: {
        $0.limits.ageGrace = Self.short
        $0.limits.keepaliveTime = Self.short
      }
    ) { server in
      let client = try await FrameClient.connect(to: server.address)
      client.send(.headers(Calls.bidirectional.path, stream: 1))
      // The server has the call.
      try await client.call(Calls.unary.path, stream: 3)
      async let shutDown: Void = server.shutDown(grace: .seconds(3600))
      try await client.seen.wait { $0.goAways.count == 2 }
      // Time goes by.
      let count = client.seen.value.pings.count
      try await client.seen.wait { $0.pings.count >= count + 4 || $0.isClosed }
      client.send(.lastMessage(stream: 1))
      let seen = try await client.seen.wait { $0.isClosed }
      #expect(seen.isEnded(1))
      try await shutDown
    }
  }

  @Test("A client that is sent away and stays is closed after a while", arguments: [true, false])
  func stays(isTLS: Bool) async throws {
    let files = try ServerFiles()
    let security = isTLS ? ServerSecurity.tls(try files.load()) : .plaintext
    try await withServer(
      security: security,
      configure: {
        $0.limits.keepaliveMinimumTime = .seconds(3600)
        $0.limits.leavingMax = Self.short
      }
    ) { server in
      var options = FrameClient.Options()
      options.closesInTurn = false
      let client = try await connect(to: server, options, isTLS ? files : nil)
      client.send(.ping, .ping, .ping, .ping)
      let seen = try await client.seen.wait { $0.isOver }
      #expect(seen.goAways.map(\.reason) == ["too_many_pings"])
      // The connection is gone on the server, whatever the client does.
      try await within { try await server.shutDown(grace: .seconds(3600)) }
      await client.close()
    }
  }

  @Test("A client gets the reason although what it sent is still on its way", arguments: [true, false])
  func underFire(isTLS: Bool) async throws {
    let files = try ServerFiles()
    let security = isTLS ? ServerSecurity.tls(try files.load()) : .plaintext
    try await withServer(security: security, configure: { $0.limits.letClientsRead() }) { server in
      for _ in 0..<5 {
        let client = try await connect(to: server, FrameClient.Options(), isTLS ? files : nil)
        // More than the server reads at once, so that some of it is never read.
        let flood = Array(repeating: Frame.ping.bytes, count: 50_000).flatMap { $0 }
        client.send(flood)
        let seen = try await client.seen.wait { $0.isClosed }
        #expect(seen.goAways == [GoAway(lastStream: 0, code: .enhanceYourCalm, reason: "too_many_pings")])
      }
    }
  }

  @Test func aBreachOfTheProtocolIsNamedBeforeTheClose() async throws {
    try await withServer(configure: { $0.limits.letClientsRead() }) { server in
      var options = FrameClient.Options()
      options.closesInTurn = false
      let client = try await FrameClient.connect(to: server.address, options)
      try await client.seen.wait { !$0.frames.isEmpty }
      // DATA on a stream that was never opened, and more than is read at once: a close that left some of it unread
      // would reset the connection, and might take away what the client has not read.
      let data = Frame(type: .data, stream: 1, payload: [UInt8](repeating: 0, count: 10_000)).bytes
      client.send(Array(repeating: data, count: 100).flatMap { $0 })
      let seen = try await client.seen.wait { $0.isOver }
      #expect(seen.goAways.map(\.code) == [.protocolError])
      #expect(!seen.isClosed)
      await client.close()
    }
  }

  /// Connects, by TLS if there are files for it.
  private func connect(
    to server: ServerFixture, _ options: FrameClient.Options, _ files: ServerFiles?
  ) async throws -> FrameClient {
    guard let files else { return try await .connect(to: server.address, options) }
    let context = try NIOSSLContext(configuration: files.client())
    return try await .connect(to: server.address, options) {
      try $0.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
    }
  }
}
