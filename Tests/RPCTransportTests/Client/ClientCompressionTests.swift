import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ClientCompressionTests {
  /// Tells which requests came compressed, and answers as it is asked to.
  private static let service = HandMadeService(
    .unary(Calls.unary) { (request: Text, context) in
      if request.value == "compress" {
        var response = try ServerResponse(Text(String(repeating: "y", count: 10_000)))
        response.compression = .always
        return response
      }
      return try ServerResponse(Text("\(request.value.utf8.count) \(context.requestWasCompressed)"))
    },
    .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
      var iterator = requests.makeAsyncIterator()
      var told: [String] = []
      while let request = try await iterator.next() {
        told.append("\(request.value.utf8.count) \(iterator.lastWasCompressed)")
      }
      return try ServerResponse(Text(told.joined(separator: ",")))
    })

  private static let text = "the response that was compressed, the response that was compressed"
  // `zlib.compressobj(9, DEFLATED, -15)` of the message with it, in Python.
  private static let deflated: [UInt8] = [
    227, 114, 42, 201, 72, 85, 40, 74, 45, 46, 200, 207, 43, 78, 85, 40, 201, 72, 44, 81, 40, 79, 44, 86, 72, 206,
    207, 45, 0, 138, 22, 167, 166, 232, 40, 16, 82, 1, 0,
  ]
  /// `zlib.compress(message, 9)` and `gzip.compress(message, 9, mtime=0)`, by the names of the formats.
  private static let compressed: [(name: String, bytes: [UInt8])] = [
    ("deflate", [120, 218] + deflated + [87, 131, 25, 91]),
    ("gzip", [31, 139, 8, 0, 0, 0, 0, 0, 2, 3] + deflated + [209, 218, 38, 242, 68, 0, 0, 0]),
  ]

  private func options(_ encoding: MessageEncoding) -> CallOptions {
    var options = CallOptions()
    options.compression = encoding
    return options
  }

  @Test(arguments: [MessageEncoding.gzip, .deflate]) func requestsAreCompressedWhereTheOptionsSaySo(
    encoding: MessageEncoding
  ) async throws {
    let text = String(repeating: "x", count: 10_000)
    try await withServerAndClient(Self.service) { client async throws in
      #expect(try await client.echo(text, options(encoding)) == "10000 true")
      #expect(try await client.echo(text) == "10000 false")
    }
  }

  @Test func aMessageCanBeLeftUncompressed() async throws {
    try await withServerAndClient(Self.service) { client in
      let text = Text(String(repeating: "x", count: 1000))
      let answer: Text = try await client.clientStreaming(Calls.clientStreaming, options(.gzip)) {
        (requests: RequestWriter<Text>) in
        try await requests.send(text)
        try await requests.send(text, isCompressible: false)
        try await requests.send(text)
      }
      #expect(answer.value == "1000 true,1000 false,1000 true")
    }
  }

  @Test func callersCanSeeWhetherAResponseWasCompressed() async throws {
    try await withServerAndClient(Self.service) { client in
      for (text, isCompressed) in [("compress", true), ("other", false)] {
        let call = client.open(Calls.unary, CallOptions())
        try await call.send(.framing(Text(text)))
        try await call.finishSending()
        let response = try #require(try await call.nextResponse())
        #expect(response.wasCompressed == isCompressed)
        #expect(!response.isCompressed)
        #expect(try response.withPayload { try Text(decoding: $0) }.value.utf8.count == (isCompressed ? 10_000 : 7))
        #expect(try await call.nextResponse() == nil)
      }
    }
  }

  @Test(arguments: compressed) func responsesOfEveryFormatAreRead(name: String, bytes: [UInt8]) async throws {
    try await withScriptedServer { stream in
      stream.respond(ScriptedStream.plainHeaders + [("grpc-encoding", name)])
      // What follows a compressed message need not be compressed.
      stream.send([1, 0, 0, 0, UInt8(bytes.count)] + bytes + stream.message("plain"))
      stream.finish([("grpc-status", "0")])
    } _: { _, client in
      let responses: ResponseStream<Text> = try await client.serverStreaming(
        Calls.serverStreaming, Text(), CallOptions())
      var received: [String] = []
      for try await response in responses { received.append(response.value) }
      #expect(received == [Self.text, "plain"])
    }
  }

  @Test(arguments: [("gzip", StatusCode.resourceExhausted), ("deflate", .internal), ("br", .internal)])
  func messagesThatCannotBeDecompressedWithinTheLimitEndTheCall(name: String, code: StatusCode) async throws {
    try await withScriptedServer { stream in
      stream.respond(ScriptedStream.plainHeaders + [("grpc-encoding", name)])
      let whole = try? FramedMessage.framing(Text(String(repeating: "x", count: 5 << 20))).compressed(.gzip)
      stream.send(whole.map { Array($0.bytes) } ?? [])
      stream.finish([("grpc-status", "0")])
    } _: { _, client in
      #expect(await rpcError { try await client.echo("") }?.code == code)
    }
  }

  @Test func aRetryKeepsTheCompression() async throws {
    try await withScriptedServer { stream in
      stream.whenEnded { stream in
        if stream.index == 0 { stream.reset(.refusedStream) } else { stream.answer("") }
      }
    } _: { server, client in
      let text = String(repeating: "x", count: 10_000)
      #expect(try await client.retrying().echo(text, options(.gzip)) == "")
      let request = try #require(server.requests.value.last)
      #expect(request["grpc-encoding"] == "gzip")
      #expect(request.body.first == 1)
      #expect(request.body.count < 1000)
    }
  }
}
