import RPCCore
import RPCTestSupport
import Testing

/// Compressed messages on the wire (grpc/doc/compression.md).
@Suite(.timeLimit(.minutes(5))) struct CompressionTests {
  private static let text = String(repeating: "compressible ", count: 100)

  struct Case: Sendable {
    let choice: CompressionChoice
    var request = MessageEncoding.identity
    var accepted = ""
    let response: MessageEncoding
  }

  private static let cases = [
    Case(choice: .inKind, response: .identity),
    Case(choice: .inKind, accepted: "gzip", response: .identity),
    Case(choice: .inKind, request: .gzip, response: .identity),
    Case(choice: .inKind, request: .gzip, accepted: "identity,deflate,gzip", response: .gzip),
    Case(choice: .inKind, request: .deflate, accepted: "identity, deflate", response: .deflate),
    Case(choice: .inKind, request: .gzip, accepted: "br,zstd", response: .identity),
    Case(choice: .always, response: .identity),
    Case(choice: .always, accepted: "gzip", response: .gzip),
    Case(choice: .always, accepted: "deflate", response: .deflate),
    Case(choice: .always, request: .gzip, accepted: "gzip", response: .gzip),
    Case(choice: .never, request: .gzip, accepted: "gzip", response: .identity),
  ]

  private func service(_ choice: CompressionChoice, metadata: Metadata) -> HandMadeService {
    HandMadeService(
      .unary(Calls.unary) { (request: Text, _) in
        var response = try ServerResponse(request)
        response.compression = choice
        response.metadata = metadata
        return response
      },
      .serverStreaming(Calls.serverStreaming) { (request: Text, responses: ResponseWriter<Text>, _) in
        if !metadata.isEmpty { responses.send(metadata) }
        try await responses.send(request, compression: choice)
      })
  }

  @Test("Answers are compressed as the caller takes it and the handler wants it", arguments: cases, [true, false])
  func choice(expected: Case, sendsMetadata: Bool) async throws {
    var metadata = Metadata()
    if sendsMetadata { metadata.add("x-early", "1") }
    try await withServer(service(expected.choice, metadata: metadata)) { server in
      let client = try await server.connect()
      var fields = [("grpc-accept-encoding", expected.accepted)]
      if expected.request != .identity { fields.append(("grpc-encoding", expected.request.rawValue)) }
      for path in [Calls.unary.path, Calls.serverStreaming.path] {
        let call = try await client.open(path, fields)
        call.send(try FramedMessage.framing(Text(Self.text)).compressed(expected.request))
        call.finish()
        let answer = try await call.end()
        #expect(answer.code == .ok)
        #expect(answer["x-early"] == (sendsMetadata ? "1" : nil))
        #expect(answer.body.first == (expected.response == .identity ? 0 : 1))
        // Headers may promise what the messages then do not need, but not the other way round.
        if expected.response != .identity { #expect(answer["grpc-encoding"] == expected.response.rawValue) }
        if !sendsMetadata, expected.response == .identity { #expect(answer["grpc-encoding"] == nil) }
        #expect(try answer.decompressedTexts() == [Self.text])
      }
    }
  }

  @Test func theMessagesOfAStreamAreCompressedOneByOne() async throws {
    let choices: [CompressionChoice] = [.always, .never, .inKind, .always]
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (request: Text, responses: ResponseWriter<Text>, _) in
        for choice in choices { try await responses.send(request, compression: choice) }
      })
    try await withServer(service) { server in
      let answer = try await server.connect().call(
        Calls.serverStreaming.path, [Text(Self.text)], [("grpc-accept-encoding", "gzip")])
      #expect(answer.frames.map(\.isCompressed) == [true, false, false, true])
      #expect(try answer.decompressedTexts() == Array(repeating: Self.text, count: 4))
    }
  }

  @Test(arguments: [true, false]) func messagesThatAreSentTogetherAreCompressedOneByOne(isTaken: Bool) async throws {
    let texts = ["a", "b", "c", "d"].map { $0 + Self.text }
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        let encoded = EncodedMessages(try texts.map { try EncodedMessage(Text($0)) })
        try await responses.send(encoded, 0..<3, compression: .always)
        try await responses.send(encoded, 3..<4, compression: .never)
      })
    try await withServer(service) { server in
      let fields = isTaken ? [("grpc-accept-encoding", "gzip")] : []
      let answer = try await server.connect().call(Calls.serverStreaming.path, [Text()], fields)
      #expect(answer.frames.map(\.isCompressed) == [isTaken, isTaken, isTaken, false])
      #expect(try answer.decompressedTexts() == texts)
    }
  }

  @Test func whatCompressionDoesNotMakeSmallerStaysAsItIs() async throws {
    try await withServer(service(.always, metadata: Metadata())) { server in
      let answer = try await server.connect().call(
        Calls.unary.path, [Text("a")], [("grpc-accept-encoding", "gzip")])
      #expect(answer.body.first == 0)
      #expect(answer.texts == ["a"])
    }
  }

  @Test func handlersKnowWhichRequestsWereCompressed() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in try ServerResponse(Text("\(context.requestWasCompressed)")) },
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
        var told: [String] = []
        var iterator = requests.makeAsyncIterator()
        while let request = try await iterator.next() {
          told.append("\(iterator.lastWasCompressed) \(request.value == Self.text)")
        }
        return try ServerResponse(Text(told.joined(separator: ", ")))
      })
    try await withServer(service) { server in
      let client = try await server.connect()
      let plain = try FramedMessage.framing(Text(Self.text))
      for encoding in [MessageEncoding.gzip, .deflate] {
        let fields = [("grpc-encoding", encoding.rawValue)]
        let compressed = plain.compressed(encoding)
        #expect(compressed.isCompressed)
        for (frame, expected) in [(compressed, "true"), (plain, "false")] {
          let call = try await client.open(Calls.unary.path, fields)
          call.send(frame)
          call.finish()
          #expect(try await call.end().texts == [expected])
        }
        let stream = try await client.open(Calls.clientStreaming.path, fields)
        for frame in [compressed, plain, compressed] { stream.send(frame) }
        stream.finish()
        #expect(try await stream.end().texts == ["true true, false true, true true"])
      }
    }
  }

  @Test("What a message becomes is bounded like a message", arguments: [Calls.unary.path, Calls.clientStreaming.path])
  func bomb(path: String) async throws {
    try await withServer(configure: { $0.messageBytesMax = 10_000 }) { server in
      let client = try await server.connect()
      for (count, code) in [(9000, StatusCode.ok), (1_000_000, .resourceExhausted)] {
        let frame = try FramedMessage.framing(Text(String(repeating: "a", count: count))).compressed(.gzip)
        #expect(frame.count < 10_000)
        let call = try await client.open(path, [("grpc-encoding", "gzip")])
        call.send(frame)
        call.finish()
        #expect(try await call.end().code == code)
      }
    }
  }

  @Test("What cannot be decompressed ends its call only", arguments: [Calls.unary.path, Calls.clientStreaming.path])
  func damaged(path: String) async throws {
    try await withServer { server in
      let client = try await server.connect()
      let call = try await client.open(path, [("grpc-encoding", "gzip")])
      call.send([1, 0, 0, 0, 3, 1, 2, 3])
      call.finish()
      #expect(try await call.end().code == .internal)
      #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["1"])
    }
  }
}

extension WireCall {
  fileprivate func send(_ frame: FramedMessage) {
    send(withExtendedLifetime(frame) { Array(frame.bytes) })
  }
}

extension Received {
  /// The messages as they came.
  fileprivate var frames: [(isCompressed: Bool, payload: ArraySlice<UInt8>)] {
    var frames: [(Bool, ArraySlice<UInt8>)] = []
    var rest = body[...]
    while rest.count >= FramedMessage.prefixBytes {
      let length = rest.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
      frames.append((rest.first == 1, rest.dropFirst(FramedMessage.prefixBytes).prefix(length)))
      rest = rest.dropFirst(FramedMessage.prefixBytes + length)
    }
    return frames
  }

  /// The messages, read as the headers say.
  fileprivate func decompressedTexts() throws -> [String] {
    var deframer = MessageDeframer(messageBytesMax: 1 << 20)
    if let name = self["grpc-encoding"], let encoding = MessageEncoding(rawValue: name) { deframer.encoding = encoding }
    var texts: [String] = []
    try body.withUnsafeBytes {
      try deframer.receive($0) { message, _ in texts.append(try Text(decoding: message).value) }
    }
    return texts
  }
}
