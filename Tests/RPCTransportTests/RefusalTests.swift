import RPCCore
import RPCTestSupport
import Testing

/// What is not a call, or not a good one, and how calls fail.
@Suite(.timeLimit(.minutes(5))) struct RefusalTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var path = Calls.unary.path
    var fields: [(String, String)] = []
    let code: StatusCode
    let message: String
  }

  private static let wrong = [
    Wrong(
      testDescription: "unknown method", path: "/test.Calls/Nothing", code: .unimplemented,
      message: "unknown method Nothing for service test.Calls"),
    Wrong(
      testDescription: "unknown service", path: "/test.Nothing/Unary", code: .unimplemented,
      message: "unknown service test.Nothing"),
    Wrong(
      testDescription: "malformed path", path: "/nothing", code: .unimplemented,
      message: "malformed method name \"/nothing\"; expected /service/method"),
    Wrong(
      testDescription: "malformed timeout", fields: [("grpc-timeout", "soon")], code: .invalidArgument,
      message: "malformed grpc-timeout; expected 1 to 8 digits and one of H, M, S, m, u, n"),
    Wrong(
      testDescription: "unknown compression", fields: [("grpc-encoding", "br")], code: .unimplemented,
      message: "grpc-encoding \"br\" is not supported"),
    Wrong(
      testDescription: "metadata that is not base64", fields: [("x-key-bin", "!")], code: .invalidArgument,
      message: "the value of metadata x-key-bin is not base64"),
    Wrong(
      testDescription: "headers over the limit", fields: [("x-long", String(repeating: "a", count: 20_000))],
      code: .resourceExhausted, message: "the request's headers take more than 16384 bytes"),
  ]

  @Test(arguments: wrong) func aWrongRequestGetsItsStatusAlone(wrong: Wrong) async throws {
    try await withServer { server in
      let client = try await server.connect()
      let answer = try await client.call(wrong.path, [Text("1")], wrong.fields)
      #expect(answer.code == wrong.code)
      #expect(answer.message == wrong.message)
      #expect(answer.lists.count == 1)
      #expect(answer.body.isEmpty)
      // The connection is as good as before.
      #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["1"])
    }
  }

  @Test func anUnknownCompressionIsAnsweredWithTheKnownOnes() async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.unary.path, [Text()], [("grpc-encoding", "br")])
      #expect(answer["grpc-accept-encoding"] == MessageEncoding.accepted)
    }
  }

  @Test(arguments: ["GET", "PUT", "HEAD"]) func anotherHTTPMethodIs405(method: String) async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.unary.path, [], [(":method", method)])
      #expect(answer[":status"] == "405")
      #expect(answer["allow"] == "POST")
      #expect(answer["grpc-status"] == nil)
    }
  }

  @Test(arguments: ["", "text/plain", "application/grpcx", "application/grpc-web", "application/grpc+json"])
  func anotherContentTypeIs415(type: String) async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.unary.path, [], [("content-type", type)])
      #expect(answer[":status"] == "415")
      #expect(answer["grpc-status"] == nil)
    }
  }

  @Test(arguments: ["application/grpc+proto", "application/grpc;charset=utf-8", "application/grpc+proto; a=b"])
  func theFormsOfTheContentTypeAreTaken(type: String) async throws {
    try await withServer { server in
      let answer = try await server.connect().call(Calls.unary.path, [Text("1")], [("content-type", type)])
      #expect(answer.texts == ["1"])
    }
  }

  private static let bodies: [([UInt8], StatusCode)] = [
    ([], .unimplemented),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .unimplemented),
    ([0, 0, 0, 0], .internal),
    ([0, 0, 0, 0, 5, 1], .internal),
    ([1, 0, 0, 0, 0], .internal),
    ([7, 0, 0, 0, 0], .internal),
    ([0, 0, 0, 0, 1, 0xFF], .invalidArgument),
    ([0, 0xFF, 0xFF, 0xFF, 0xFF], .resourceExhausted),
  ]

  @Test(arguments: bodies) func aWrongBodyGetsItsStatus(body: ([UInt8], StatusCode)) async throws {
    try await withServer { server in
      let client = try await server.connect()
      let call = try await client.open(Calls.unary.path)
      if !body.0.isEmpty { call.send(body.0) }
      call.finish()
      #expect(try await call.end().code == body.1)
      #expect(try await client.call(Calls.unary.path, [Text("1")]).texts == ["1"])
    }
  }

  @Test func aMessageMayBeAsLongAsTheLimit() async throws {
    try await withServer(configure: { $0.messageBytesMax = 1000 }) { server in
      let client = try await server.connect()
      // Tag and length take three bytes.
      let longest = String(repeating: "a", count: 997)
      #expect(try await client.call(Calls.unary.path, [Text(longest)]).texts == [longest])
      for path in [Calls.unary.path, Calls.clientStreaming.path] {
        let answer = try await client.call(path, [Text(longest + "a")])
        #expect(answer.code == .resourceExhausted)
        #expect(answer.message == "the message has 1001 bytes; at most 1000 are accepted")
      }
    }
  }

  @Test func aRefusalComesBeforeTheRequestsEnd() async throws {
    try await withServer { server in
      let call = try await server.connect().open("/test.Calls/Nothing")
      // No end is said: the answer does not wait for it.
      let answer = try await call.end()
      #expect(answer.code == .unimplemented)
      #expect(answer.isEnded)
    }
  }

  @Test func anErrorCarriesItsMessageAndTrailers() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in
        var error = RPCError(.failedPrecondition, "50% of ä\nmissing")
        error.trailers.add("grpc-status-details-bin", [1, 2])
        throw error
      })
    try await withServer(service) { server in
      let answer = try await server.connect().call(Calls.unary.path, [Text()])
      #expect(answer.code == .failedPrecondition)
      #expect(answer["grpc-message"] == "50%25 of %C3%A4%0Amissing")
      #expect(answer.message == "50% of ä\nmissing")
      #expect(answer["grpc-status-details-bin"] == "AQI")
      #expect(answer.lists.count == 1)
    }
  }

  @Test func anErrorAfterResponsesComesInTrailers() async throws {
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        throw RPCError(.dataLoss, "lost")
      })
    try await withServer(service) { server in
      let answer = try await server.connect().call(Calls.serverStreaming.path, [Text()])
      #expect(answer.texts == ["1"])
      #expect(answer.code == .dataLoss)
      #expect(answer.lists.count == 2)
    }
  }

  @Test func theInsideOfAnErrorIsForTheLogOnly() async throws {
    struct Secret: Error {}
    let recorder = CallRecorder()
    let service = HandMadeService(.unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in throw Secret() })
    try await withServer(service, configure: { $0.interceptors = [recorder] }) { server in
      let answer = try await server.connect().call(Calls.unary.path, [Text()])
      let summary = try #require(try await recorder.calls.wait { $0.count == 1 }.first)
      let requestID = summary.call.id
      #expect(answer.code == .internal)
      #expect(answer.message == "internal error, request id \(requestID)")
      #expect(summary.error?.cause is Secret)
    }
  }

  @Test func anInterceptorHearsOfEveryCall() async throws {
    let recorder = CallRecorder()
    try await withServer(configure: { $0.interceptors = [recorder] }) { server in
      let client = try await server.connect()
      _ = try await client.call(Calls.unary.path, [Text()])
      _ = try await client.call("/test.Calls/Nothing")
      _ = try await client.call(Calls.bidirectional.path, [Text(), Text()])
      let calls = try await recorder.calls.wait { $0.count == 3 }
      #expect(calls.map(\.call.method.path) == [Calls.unary.path, "/test.Calls/Nothing", Calls.bidirectional.path])
      #expect(calls.map(\.code) == [.ok, .unimplemented, .ok])
      #expect(calls.allSatisfy { $0.call.peer.address.hasPrefix("127.0.0.1:") && $0.duration > .zero })
    }
  }
}
