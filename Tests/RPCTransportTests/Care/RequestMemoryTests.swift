import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// What the requests of all connections may hold together.
@Suite(.timeLimit(.minutes(5))) struct RequestMemoryTests {
  private static let bytesMax = 4_000_000
  /// Two of them are too much.
  private static let large = Text(String(repeating: "x", count: 2_500_000))

  /// Holds what it gets until it may go on.
  private struct Holding {
    let hasStarted = Observed(0)
    let mayGoOn = Observed(false)

    var service: HandMadeService {
      HandMadeService(
        .unary(Calls.unary) { (request: Text, _) in
          if request.value.utf8.count > 100 {
            hasStarted.update { $0 += 1 }
            try await mayGoOn.waitUntilOpen()
          }
          return try ServerResponse(Text("\(request.value.utf8.count)"))
        },
        .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
          try await mayGoOn.waitUntilOpen()
          var bytes = 0
          for try await request in requests { bytes += request.value.utf8.count }
          return try ServerResponse(Text("\(bytes)"))
        })
    }
  }

  private func withMemory(
    _ service: HandMadeService = .echo, _ body: (ServerFixture) async throws -> Void
  ) async throws {
    try await withServer(
      service,
      configure: {
        $0.requestBytesMax = Self.bytesMax
        $0.http2.streamWindowBytes = 4 << 20
        $0.http2.connectionWindowBytes = 4 << 20
      }, body)
  }

  private func expectRefusal(_ answer: Received) {
    #expect(answer.code == .resourceExhausted)
    #expect(answer.message == "the server holds as many requests as it has memory for; try again later")
  }

  @Test func aRequestThatIsTooMuchIsRefusedUntilAnotherIsAnswered() async throws {
    let holding = Holding()
    try await withMemory(holding.service) { server in
      let first = try await server.connect()
      let held = try await first.open(Calls.unary.path)
      try held.send(Self.large)
      held.finish()
      try await holding.hasStarted.wait { $0 == 1 }
      // On the same event loop and on the other.
      for client in [first, try await server.connect(), try await server.connect()] {
        expectRefusal(try await client.call(Calls.unary.path, [Self.large]))
        #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["1"])
      }
      #expect(holding.hasStarted.value == 1)
      holding.mayGoOn.open()
      #expect(try await held.end().texts == ["2500000"])
      for client in [first, try await server.connect(), try await server.connect()] {
        #expect(try await client.call(Calls.unary.path, [Self.large]).texts == ["2500000"])
      }
    }
  }

  @Test func messagesThatWaitToBeTakenCount() async throws {
    let holding = Holding()
    try await withMemory(holding.service) { server in
      let client = try await server.connect()
      // The server's settings have come once it answered.
      _ = try await client.call(Calls.unary.path, [Text("1")])
      let held = try await client.open(Calls.clientStreaming.path)
      for _ in 0..<2500 { try held.send(Text(String(repeating: "x", count: 1000))) }
      // What was sent has come in once calls after it are answered.
      repeat { _ = try await client.call(Calls.unary.path, [Text("1")]) } while try await held.unsentBytes() > 0
      let tooMuch = try await client.open(Calls.clientStreaming.path)
      for _ in 0..<2500 { try tooMuch.send(Text(String(repeating: "x", count: 1000))) }
      expectRefusal(try await tooMuch.end())
      holding.mayGoOn.open()
      held.finish()
      #expect(try await held.end().texts == ["2500000"])
      #expect(try await client.call(Calls.unary.path, [Self.large]).texts == ["2500000"])
    }
  }

  @Test func aLongStreamOfLargeMessagesHoldsNoMoreThanOne() async throws {
    try await withMemory { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.bidirectional.path)
      // Each comes in several frames, and all of them together are more than what there is.
      let text = String(repeating: "x", count: 100_000)
      for count in 1...80 {
        try call.send(Text(text))
        try await call.messages(count)
      }
      // All but a little of the memory is there for others.
      #expect(try await client.call(Calls.unary.path, [Self.large]).texts.count == 1)
      call.finish()
      #expect(try await call.end().code == .ok)
    }
  }

  @Test func whatARequestDecodesToCounts() async throws {
    // Two bytes of an empty submessage on the wire, and forty in memory.
    let structs = ServerMethod.unary(Calls.unary) { (request: Google_Protobuf_ListValue, _) in
      try ServerResponse(Text("\(request.values.count)"))
    }
    let wire = [UInt8](repeating: 0, count: 0) + Array(repeatElement([0x0A, 0] as [UInt8], count: 80_000).joined())
    func body(_ bytes: [UInt8]) -> [UInt8] {
      [0] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }
    try await withServer(
      HandMadeService(structs), configure: { $0.requestBytesMax = 1 << 20 }
    ) { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.unary.path)
      call.send(body(wire))
      call.finish()
      expectRefusal(try await call.end())
      let small = try await client.open(Calls.unary.path)
      small.send(body(Array(wire.prefix(2000))))
      small.finish()
      #expect(try await small.end().texts == ["1000"])
    }
  }

  @Test func anAnswerThatIsNotTakenCountsUntilItIs() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, _) in
        try ServerResponse(Text(String(repeating: "x", count: Int(request.value) ?? 0)))
      })
    try await withMemory(service) { server in
      let client = try await server.connect()
      let held = try await client.open(Calls.unary.path, holdsBack: true)
      try held.send(Text("3000000"))
      held.finish()
      try await held.received.wait { !$0.body.isEmpty }
      // Two of them are too much, whatever the connection.
      for client in [client, try await server.connect(), try await server.connect()] {
        let tooMuch = try await client.open(Calls.unary.path, holdsBack: true)
        try tooMuch.send(Text("3000000"))
        tooMuch.finish()
        #expect(try await tooMuch.end().closed == .enhanceYourCalm)
        #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["x"])
      }
      held.take()
      #expect(try await held.end().texts.first?.utf8.count == 3_000_000)
      #expect(try await client.call(Calls.unary.path, [Text("3000000")]).texts.first?.utf8.count == 3_000_000)
    }
  }

  @Test func anAnswerThatIsNeverTakenIsDropped() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, _) in try ServerResponse(Text(String(repeating: "x", count: 1_000_000))) })
    try await withServer(service, configure: { $0.limits = .none { $0.unreadOutput = .milliseconds(200) } }) { server in
      let client = try await server.connect()
      let held = try await client.open(Calls.unary.path, holdsBack: true)
      try held.send(Text())
      held.finish()
      #expect(try await held.end().closed == .enhanceYourCalm)
    }
  }

  enum End: CaseIterable {
    case answered, cancelled, cancelledInside, refused, malformed, overdue, lost

    var code: StatusCode {
      switch self {
      case .answered: .ok
      case .cancelled, .cancelledInside, .lost: .cancelled
      case .refused: .internal
      case .malformed: .invalidArgument
      case .overdue: .deadlineExceeded
      }
    }

    /// A large message, or what the end makes of it.
    func body() throws -> [UInt8] {
      let frame = try FramedMessage.framing(RequestMemoryTests.large)
      let whole = withExtendedLifetime(frame) { Array(frame.bytes) }
      switch self {
      case .answered, .cancelled: return whole
      case .cancelledInside, .overdue, .lost: return whole.dropLast()
      case .refused: return whole.dropLast() + [0, 7, 0, 0, 0, 0]
      case .malformed: return whole[..<5] + [0xFF] + whole[6...]
      }
    }
  }

  @Test("Whatever ends a call, its memory is given back", arguments: End.allCases)
  func givenBack(end: End) async throws {
    let recorder = CallRecorder()
    try await withServer(
      configure: {
        $0.requestBytesMax = Self.bytesMax
        $0.interceptors = [recorder]
      }
    ) { server in
      for round in 1...4 {
        let client = try await server.connect()
        let call = try await client.open(Calls.bidirectional.path, end == .overdue ? [("grpc-timeout", "200m")] : [])
        call.send(try end.body())
        switch end {
        case .answered: call.finish()
        case .cancelled:
          try await call.messages(1)
          call.reset()
        case .cancelledInside, .lost:
          // The calls between are answered after what was sent before them has come in.
          repeat { _ = try await client.call(Calls.unary.path, [Text()]) } while try await call.unsentBytes() > 0
          if end == .lost { try await client.disconnect() } else { call.reset() }
        case .refused, .malformed, .overdue: break
        }
        let ended = try await recorder.calls.wait {
          $0.count { $0.call.method.path == Calls.bidirectional.path } == round
        }
        #expect(ended.last { $0.call.method.path == Calls.bidirectional.path }?.code == end.code, "in round \(round)")
      }
    }
  }
}
