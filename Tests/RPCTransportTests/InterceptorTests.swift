import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// What interceptors hear and do on a server.
@Suite(.timeLimit(.minutes(5))) struct InterceptorTests {
  /// Writes down what it hears.
  private final class Listener: ServerInterceptor, CallInterceptor {
    let name: String
    let heard: Observed<[String]>
    let refusal: (any Error)?

    init(name: String, heard: Observed<[String]>, refusal: (any Error)? = nil) {
      self.name = name
      self.heard = heard
      self.refusal = refusal
    }

    func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? { self }

    func begins(_ call: ServerContext) throws {
      heard.update { $0.append("\(name) begins") }
      if let refusal { throw refusal }
    }

    func ended(_ call: CallSummary) { heard.update { $0.append("\(name) ended \(call.code.name)") } }
  }

  /// Does one thing as each call begins.
  private final class Beginning: ServerInterceptor, CallInterceptor {
    let action: @Sendable (ServerContext) throws -> Void
    init(action: @escaping @Sendable (ServerContext) throws -> Void) { self.action = action }
    func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? { self }
    func begins(_ call: ServerContext) throws { try action(call) }
  }

  @Test func theyBeginInOrderAndEndInReverse() async throws {
    let heard = Observed<[String]>([])
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, _) in
        heard.update { $0.append("handler") }
        return try ServerResponse(request)
      })
    try await withServer(
      service,
      configure: { $0.interceptors = ["1", "2", "3"].map { Listener(name: $0, heard: heard) } }
    ) { server in
      _ = try await server.connect().call(Calls.unary.path, [Text()])
      let all = try await heard.wait { $0.count >= 7 }
      #expect(all == ["1 begins", "2 begins", "3 begins", "handler", "3 ended OK", "2 ended OK", "1 ended OK"])
    }
  }

  private struct Secret: Error {}

  @Test(
    "A refusal needs no message, starts nothing, and those who heard of its beginning hear of its end",
    arguments: [
      (Calls.unary.path, true), (Calls.clientStreaming.path, true), (Calls.bidirectional.path, false),
      (Calls.serverStreaming.path, false),
    ])
  func refusal(path: String, isRPCError: Bool) async throws {
    let heard = Observed<[String]>([])
    let error: any Error = isRPCError ? RPCError(.permissionDenied, "not you") : Secret()
    try await withServer(
      configure: {
        $0.interceptors = [
          Listener(name: "1", heard: heard), Listener(name: "2", heard: heard, refusal: error),
          Listener(name: "3", heard: heard),
        ]
      }
    ) { server in
      // No message is sent.
      let answer = try await server.connect().open(path).end()
      let code = isRPCError ? StatusCode.permissionDenied : .internal
      #expect(answer.code == code)
      #expect(isRPCError ? answer.message == "not you" : answer.message.hasPrefix("internal error, request id "))
      #expect(answer.lists.count == 1)
      let name = code.name
      let all = try await heard.wait { $0.count >= 4 }
      #expect(all == ["1 begins", "2 begins", "2 ended \(name)", "1 ended \(name)"])
    }
  }

  @Test func oneIsAskedOncePerMethodAndHearsOfNoOther() async throws {
    struct Choosy: ServerInterceptor {
      let asked: Observed<[String]>
      let listener: Listener
      func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? {
        asked.update { $0.append(method?.path ?? "none") }
        return method?.path == Calls.unary.path ? listener : nil
      }
    }
    let heard = Observed<[String]>([])
    let last = CallRecorder()
    let choosy = Choosy(asked: Observed([]), listener: Listener(name: "1", heard: heard))
    try await withServer(configure: { $0.interceptors = [last, choosy] }) { server in
      let client = try await server.connect()
      for path in [Calls.bidirectional.path, "/test.Calls/Nothing", Calls.unary.path, Calls.unary.path] {
        _ = try await client.call(path, [Text()])
      }
      _ = try await last.calls.wait { $0.count == 4 }
      #expect(heard.value == ["1 begins", "1 ended OK", "1 begins", "1 ended OK"])
    }
    let methods = [Calls.unary, Calls.serverStreaming, Calls.clientStreaming, Calls.bidirectional].map(\.path)
    #expect(choosy.asked.value.sorted() == (methods + ["none"]).sorted())
  }

  @Test func callsThatNoMethodHasBeginAndEnd() async throws {
    let heard = Observed<[String]>([])
    try await withServer(configure: { $0.interceptors = [Listener(name: "1", heard: heard)] }) { server in
      let client = try await server.connect()
      _ = try await client.call("/test.Calls/Nothing")
      _ = try await client.call(Calls.unary.path, [Text()], [("grpc-timeout", "soon")])
      let all = try await heard.wait { $0.count >= 4 }
      #expect(all == ["1 begins", "1 ended UNIMPLEMENTED", "1 begins", "1 ended INVALID_ARGUMENT"])
    }
  }

  @Test(
    "A call that is over as it begins is heard of once",
    arguments: [
      Calls.unary.path, Calls.serverStreaming.path, Calls.clientStreaming.path, Calls.bidirectional.path,
    ])
  func noTime(path: String) async throws {
    let heard = Observed<[String]>([])
    let begun = Observed(0)
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, _) in
        begun.update { $0 += 1 }
        return try ServerResponse(request)
      },
      .serverStreaming(Calls.serverStreaming) { (_: Text, _: ResponseWriter<Text>, _) in begun.update { $0 += 1 } },
      .clientStreaming(Calls.clientStreaming) { (_: RequestStream<Text>, _) in
        begun.update { $0 += 1 }
        return try ServerResponse(Text())
      },
      .bidirectionalStreaming(Calls.bidirectional) { (_: RequestStream<Text>, _: ResponseWriter<Text>, _) in
        begun.update { $0 += 1 }
      })
    try await withServer(service, configure: { $0.interceptors = [Listener(name: "1", heard: heard)] }) { server in
      let client = try await server.connect()
      let answer = try await client.call(path, [Text()], [("grpc-timeout", "0n")])
      #expect(answer.code == .deadlineExceeded)
      // A later call of the same loop comes after all that the first could have done.
      _ = try await client.call("/test.Calls/Nothing")
    }
    let noMethod = ["1 begins", "1 ended UNIMPLEMENTED"]
    #expect(heard.value == ["1 begins", "1 ended DEADLINE_EXCEEDED"] + noMethod)
    #expect(begun.value == 0)
  }

  @Test func aHandlerSeesWhatInterceptorsFoundOut() async throws {
    let trace = try #require(TraceContext(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
    let knowing = Beginning { call in
      guard let name = call.metadata[text: "x-name"] else { return }
      call.identify(as: Identity(name: name, role: "operator"))
      call.join(trace)
    }
    @Sendable func describe(_ context: ServerContext) async throws -> Text {
      // In tasks that the handler begins, too.
      async let current = TraceContext.current?.traceparent
      return Text("\(context.identity?.name ?? "nobody") \(await current ?? "none") \(context.trace == trace)")
    }
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in try ServerResponse(try await describe(context)) },
      .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, context) in
        for try await _ in requests {}
        return try ServerResponse(try await describe(context))
      })
    try await withServer(service, configure: { $0.interceptors = [knowing] }) { server in
      let client = try await server.connect()
      for path in [Calls.unary.path, Calls.clientStreaming.path] {
        let known = try await client.call(path, [Text()], [("x-name", "ada")])
        #expect(known.texts == ["ada \(trace.traceparent) true"])
        #expect(try await client.call(path, [Text()]).texts == ["nobody none false"])
      }
    }
  }

  @Test func authorizationIsForInterceptorsOnly() async throws {
    let credentials = Observed<[Credentials?]>([])
    let watching = Beginning { call in credentials.update { $0.append(call.credentials) } }
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        try ServerResponse(Text(context.metadata.entries.map(\.key).joined(separator: " ")))
      })
    try await withServer(service, configure: { $0.interceptors = [watching] }) { server in
      let client = try await server.connect()
      for token in ["Bearer one", "Bearer one", "Bearer two", ""] {
        let answer = try await client.call(Calls.unary.path, [Text()], [("x-name", "ada"), ("authorization", token)])
        #expect(answer.texts == ["x-name"])
      }
      let all = credentials.value
      #expect(all.map { $0?.bearerToken.map { String(decoding: $0, as: UTF8.self) } } == ["one", "one", "two", nil])
      // What was found out about a token is kept with it.
      #expect(all[0] === all[1])
      #expect(all[1] !== all[2])
    }
  }

  @Test func whatIsGRPCsOwnIsForNoHandler() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        try ServerResponse(Text(context.metadata.entries.map(\.key).joined(separator: " ")))
      })
    try await withServer(service) { server in
      // Even where no version of gRPC knows it yet, and its value need not be what other metadata's must.
      let fields = [
        ("x-name", "ada"), ("grpc-x", "y"), ("grpc-x-bin", "no base64"), ("grpc-accept-encoding", "identity"),
        ("grpc-previous-rpc-attempts", "1"), ("grpc-timeout", "1M"), ("x-grpc-name", "grace"),
      ]
      let answer = try await server.connect().call(Calls.unary.path, [Text()], fields)
      #expect(answer.code == .ok)
      #expect(answer.texts == ["x-name x-grpc-name"])
    }
  }

  @Test func allValuesUnderAKeyReachTheHandlerInTheirOrder() async throws {
    let received = Observed<[Metadata]>([])
    let service = HandMadeService(
      .unary(Calls.unary) { (request: Text, context) in
        received.update { $0.append(context.metadata) }
        return try ServerResponse(request)
      })
    try await withServer(service) { server in
      let client = try await FrameClient.connect(to: server.address)
      let fields = [
        ("x-bytes-bin", "AQ==,Ag,AwQ=, AwQF"), ("x-name", "ada"), ("x-bytes-bin", "Bg"), ("x-bytes-bin", ""),
        ("x-name", "grace, heidi"), ("x-bytes-bin", ",Bw=="),
      ]
      // The second's fields are those of the first, and not read again.
      for stream: UInt32 in [1, 3] {
        client.send(.headers(Calls.unary.path, stream: stream, fields), .lastMessage(stream: stream))
        try await client.seen.wait { $0.isEnded(stream) || $0.isClosed }
      }
      #expect(received.value.count == 2)
      for metadata in received.value {
        let bytes = metadata.entries.filter { $0.key == "x-bytes-bin" }.map(\.value)
        #expect(bytes == [[1], [2], [3, 4], [3, 4, 5], [6], [], [], [7]].map { .binary($0) })
        let names = metadata.entries.filter { $0.key == "x-name" }.map(\.value)
        #expect(names == [.text("ada"), .text("grace, heidi")])
      }
    }
  }

  @Test func aCallIsPartOfTheOneTraceThatItsCallerNames() async throws {
    let recorder = CallRecorder()
    let sample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    let other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    try await withServer(configure: { $0.interceptors = [recorder, TraceInterceptor()] }) { server in
      let client = try await FrameClient.connect(to: server.address)
      for (index, parents) in [[sample], [sample, other], [other], [], ["none"]].enumerated() {
        let stream = UInt32(2 * index + 1)
        client.send(.headers(Calls.unary.path, stream: stream, parents.map { ("traceparent", $0) }))
        client.send(.lastMessage(stream: stream))
        try await client.seen.wait { $0.isEnded(stream) || $0.isClosed }
      }
      let traces = try await recorder.calls.wait { $0.count == 5 }.map(\.call.trace?.traceIDText)
      #expect(
        traces == ["4bf92f3577b34da6a3ce929d0e0e4736", nil, "0af7651916cd43dd8448eb211c80319c", nil, nil])
    }
  }

  @Test func oneAuthorizationIsEnough() async throws {
    let recorder = CallRecorder()
    try await withServer(configure: { $0.interceptors = [recorder] }) { server in
      let client = try await FrameClient.connect(to: server.address)
      for (stream, tokens) in [(UInt32(1), ["Bearer one", "Bearer one"]), (3, ["Bearer one"])] {
        client.send(.headers(Calls.unary.path, stream: stream, tokens.map { ("authorization", $0) }))
        client.send(.lastMessage(stream: stream))
        try await client.seen.wait { $0.isEnded(stream) }
      }
      #expect(recorder.calls.value.map(\.code) == [.unauthenticated, .ok])
    }
  }

  @Test func theLastWordOnEveryErrorIsTheConfigurations() async throws {
    let recorder = CallRecorder()
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, _) -> ServerResponse<Text> in throw RPCError(.notFound, "gone", reason: "GONE") },
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        throw Secret()
      })
    try await withServer(
      service,
      configure: {
        $0.interceptors = [recorder]
        $0.completesError = { error in
          var completed = error
          completed.trailers.add("x-reason", error.reason ?? error.code.name)
          return completed
        }
      }
    ) { server in
      let client = try await server.connect()
      let own = try await client.call(Calls.unary.path, [Text()])
      #expect(own.code == .notFound && own["x-reason"] == "GONE")
      let unexpected = try await client.call(Calls.serverStreaming.path, [Text()])
      #expect(unexpected.code == .internal && unexpected["x-reason"] == "INTERNAL")
      #expect(unexpected.message.hasPrefix("internal error, request id "))
      let unknown = try await client.call("/test.Calls/Nothing")
      #expect(unknown.code == .unimplemented && unknown["x-reason"] == "UNIMPLEMENTED")
      let late = try await client.call(Calls.unary.path, [Text()], [("grpc-timeout", "0n")])
      #expect(late.code == .deadlineExceeded && late["x-reason"] == "DEADLINE_EXCEEDED")
      // Interceptors hear of the error as it was.
      let calls = try await recorder.calls.wait { $0.count == 4 }
      #expect(calls.allSatisfy { $0.error?.trailers.isEmpty == true })
      #expect(calls[1].error?.cause is Secret)
    }
  }
}
