import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// Calls of all four kinds, from a client over a socket to a server.
@Suite(.timeLimit(.minutes(5))) struct ClientCallTests {
  @Test func aUnaryCallIsAnswered() async throws {
    try await withServerAndClient { client async throws in #expect(try await client.echo("hello") == "hello") }
  }

  @Test func serverStreamingGivesEveryResponseInOrder() async throws {
    try await withServerAndClient { client in
      let responses: ResponseStream<Text> = try await client.serverStreaming(
        Calls.serverStreaming, Text("5000"), CallOptions())
      var received: [String] = []
      for try await response in responses { received.append(response.value) }
      #expect(received == (0..<5000).map { "\($0)" })
    }
  }

  @Test func clientStreamingTakesEveryRequestInOrder() async throws {
    try await withServerAndClient { client in
      let answer: Text = try await client.clientStreaming(Calls.clientStreaming, CallOptions()) {
        (requests: RequestWriter<Text>) in
        for number in 0..<5000 { try await requests.send(Text("\(number)")) }
      }
      #expect(answer.value == (0..<5000).map { "\($0)" }.joined(separator: ","))
    }
  }

  @Test func bothDirectionsGoAtTheirOwnPace() async throws {
    try await withServerAndClient { client in
      let call: BidirectionalCall<Text, Text> = client.bidirectionalStreaming(Calls.bidirectional, CallOptions())
      var responses = call.responses.makeAsyncIterator()
      for number in 0..<100 {
        try await call.requests.send(Text("\(number)"))
        #expect(try await responses.next()?.value == "\(number)")
      }
      try await call.requests.finish()
      #expect(try await responses.next() == nil)
    }
  }

  @Test func aMessageLargerThanEveryWindowGoesBothWays() async throws {
    try await withServerAndClient { client async throws in
      let text = String(repeating: "y", count: 3 << 20)
      #expect(try await client.echo(text) == text)
    }
  }

  @Test func manyCallsShareOneConnection() async throws {
    let recorder = CallRecorder()
    try await withServerAndClient(server: { $0.interceptors = [recorder] }) { client in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<500 { group.addTask { try await client.echo("\(number)") == "\(number)" } }
        for try await isRight in group { #expect(isRight) }
      }
    }
    // The address has the port of the connection.
    #expect(Set(recorder.calls.value.map(\.call.peer.address)).count == 1)
  }

  @Test func metadataGoesBothWays() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        var response = try ServerResponse(Text(context.metadata[text: "x-name"] ?? ""))
        response.metadata.add("x-bytes-bin", context.metadata[binary: "x-bytes-bin"] ?? [])
        response.trailers.add("x-last", "3")
        return response
      })
    try await withServerAndClient(service) { client async throws in
      var options = CallOptions()
      options.metadata.add("x-name", "ada")
      options.metadata.add("x-bytes-bin", [0, 255])
      let response = ResponseMetadata()
      options.responseMetadata = response
      #expect(try await client.echo("", options) == "ada")
      #expect(response.initial?[binary: "x-bytes-bin"] == [0, 255])
      #expect(response.initial?.entries.map(\.key) == ["x-bytes-bin"])
      #expect(response.trailers.entries.map(\.key) == ["x-last"])
    }
  }

  @Test func initialMetadataIsThereBeforeTheFirstResponse() async throws {
    let mayGoOn = Observed(false)
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        var metadata = Metadata()
        metadata.add("x-early", "1")
        responses.send(metadata)
        try await mayGoOn.waitUntilOpen()
        try await responses.send(Text("1"))
      }, .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) })
    try await withServerAndClient(service) { client in
      var options = CallOptions()
      let response = ResponseMetadata()
      options.responseMetadata = response
      let responses: ResponseStream<Text> = try await client.serverStreaming(Calls.serverStreaming, Text(), options)
      while response.initial == nil { _ = try await client.echo("round trip") }
      #expect(response.initial?[text: "x-early"] == "1")
      mayGoOn.open()
      var iterator = responses.makeAsyncIterator()
      #expect(try await iterator.next()?.value == "1")
    }
  }

  @Test func anErrorComesAfterTheResponsesBeforeItWithItsTrailers() async throws {
    let service = HandMadeService(
      .serverStreaming(Calls.serverStreaming) { (_: Text, responses: ResponseWriter<Text>, _) in
        try await responses.send(Text("1"))
        var error = RPCError(.dataLoss, "gone \u{1F4A5} 100%")
        error.trailers.add("grpc-status-details-bin", [1, 2, 3])
        throw error
      })
    try await withServerAndClient(service) { client in
      let responses: ResponseStream<Text> = try await client.serverStreaming(
        Calls.serverStreaming, Text(), CallOptions())
      var iterator = responses.makeAsyncIterator()
      #expect(try await iterator.next()?.value == "1")
      let ending = await rpcError { try await iterator.next() }
      let error = try #require(ending)
      #expect(error.code == .dataLoss)
      #expect(error.message == "gone \u{1F4A5} 100%")
      #expect(error.trailers.entries.map(\.key) == ["grpc-status-details-bin"])
      #expect(error.trailers[binary: "grpc-status-details-bin"] == [1, 2, 3])
    }
  }

  @Test func anErrorBeforeAnyResponseHasNoInitialMetadata() async throws {
    try await withServerAndClient { client in
      var options = CallOptions()
      let response = ResponseMetadata()
      options.responseMetadata = response
      let refusal = await rpcError {
        let answer: Text = try await client.unary(.test("Nothing"), Text(), options)
        return answer
      }
      #expect(refusal?.code == .unimplemented)
      #expect(response.initial == nil)
    }
  }

  @Test func aRequestSaysWhatItIs() async throws {
    try await withScriptedServer { stream in
      stream.answer("fine")
    } _: { server, client in
      var options = CallOptions(timeout: .seconds(60))
      options.metadata.add("x-name", "ada")
      #expect(try await client.echo("", options) == "fine")
      let request = try #require(server.requests.value.first)
      #expect(
        request.fields.map(\.name) == [
          ":method", ":scheme", ":path", ":authority", "te", "content-type", "user-agent", "grpc-accept-encoding",
          "grpc-timeout", "x-name",
        ])
      #expect(request[":method"] == "POST")
      #expect(request[":scheme"] == "http")
      #expect(request[":path"] == Calls.unary.path)
      #expect(request[":authority"] == "127.0.0.1:\(server.address.port ?? 0)")
      #expect(request["te"] == "trailers")
      #expect(request["content-type"] == "application/grpc")
      #expect(request["user-agent"] == "sessiond-swift/0.1.0")
      let timeout = try #require(request["grpc-timeout"])
      let left = try #require(Array(timeout.utf8).withUnsafeBytes { parseTimeout($0) })
      #expect(left > .seconds(30) && left <= .seconds(60))
    }
  }

  @Test func headersThatTheServerDoesNotAcceptAreNotSent() async throws {
    try await withServerAndClient(server: { $0.http2.headerListBytesMax = 1000 }) { client async throws in
      var options = CallOptions()
      options.metadata.add("x-long", String(repeating: "x", count: 1000))
      #expect(await rpcError { try await client.echo("", options) }?.code == .resourceExhausted)
      #expect(try await client.echo("1") == "1")
    }
  }

  @Test func aResponseOverTheLimitEndsTheCall() async throws {
    try await withServerAndClient(client: { $0.messageBytesMax = 1000 }) { client async throws in
      #expect(try await client.echo("1") == "1")
      #expect(await rpcError { try await client.echo(String(repeating: "x", count: 1000)) }?.code == .resourceExhausted)
      #expect(try await client.echo("2") == "2")
    }
  }
}
