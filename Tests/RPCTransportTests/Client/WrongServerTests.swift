import HTTP2
import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

/// What comes of servers, and what stands before them, that do not answer as gRPC servers do.
@Suite(.timeLimit(.minutes(5))) struct WrongServerTests {
  /// The error of a unary call that is answered so; the next call must be answered all the same.
  private func error(of script: @escaping ScriptedServer.Script) async throws -> RPCError {
    var found: RPCError?
    try await withScriptedServer { stream in
      if stream.index == 0 { script(stream) } else { stream.answer("next") }
    } _: { _, client async throws in
      found = await rpcError { try await client.echo("") }
      #expect(try await client.echo("") == "next")
    }
    return try #require(found)
  }

  @Test(arguments: [
    (200, StatusCode.unknown), (400, .internal), (401, .unauthenticated), (403, .permissionDenied),
    (404, .unimplemented), (418, .unknown), (429, .unavailable), (500, .unknown), (502, .unavailable),
    (503, .unavailable), (504, .unavailable),
  ])
  func httpStatusesHaveGRPCStatuses(status: Int, code: StatusCode) async throws {
    let whole = try await error { $0.respondOnly([(":status", "\(status)"), ("content-type", "text/html")]) }
    #expect(whole.code == code)
    let withBody = try await error { stream in
      stream.respond([(":status", "\(status)"), ("content-type", "text/html")])
      stream.send(Array("<html>".utf8))
      stream.finish(nil)
    }
    #expect(withBody.code == code)
  }

  @Test func aGRPCStatusGoesBeforeTheHTTPStatus() async throws {
    let error = try await error {
      $0.respondOnly([(":status", "503"), ("grpc-status", "5"), ("grpc-message", "not%20here")])
    }
    #expect(error.code == .notFound)
    #expect(error.message == "not here")
  }

  @Test(arguments: ["", "abc", "-1", "-0", "+0", "+5", "17", "99999999999999999999", "0x0"])
  func aStatusThatIsNoneIsUnknown(status: String) async throws {
    let error = try await error { stream in
      stream.respond()
      stream.send(stream.message("1"))
      stream.finish([("grpc-status", status), ("grpc-message", "50% of %zz%e2")])
    }
    #expect(error.code == .unknown)
    #expect(error.message.contains("50% of %zz"))
  }

  @Test func trailersWithoutAStatusAreUnknown() async throws {
    let error = try await error { stream in
      stream.respond()
      stream.finish([("x-other", "1")])
    }
    #expect(error.code == .unknown)
    #expect(error.trailers[text: "x-other"] == "1")
  }

  @Test func aResponseWithoutTrailersIsUnknown() async throws {
    let error = try await error { stream in
      stream.respond()
      stream.send(stream.message("1"))
      stream.finish(nil)
    }
    #expect(error.code == .unknown)
  }

  @Test func metadataThatIsNotBase64IsLeftOut() async throws {
    let error = try await error { stream in
      stream.refuse(.notFound, [("grpc-status-details-bin", "*"), ("x-bin", "AQI"), ("x-text", "t")])
    }
    #expect(error.code == .notFound)
    #expect(error.trailers.entries.map(\.key) == ["x-bin", "x-text"])
  }

  @Test(arguments: ["text/html", "application/grpcx", "", "application/grpc-web"])
  func anotherContentTypeIsNoResponse(type: String) async throws {
    let error = try await error { stream in
      stream.respond([(":status", "200"), ("content-type", type)])
      stream.send(Array("hello".utf8))
      stream.finish(nil)
    }
    #expect(error.code == .unknown)
    #expect(error.message.contains("content-type"))
  }

  @Test(arguments: ["application/grpc", "application/grpc+proto", "application/grpc; charset=utf-8"])
  func theContentTypeMayHaveMore(type: String) async throws {
    try await withScriptedServer { stream in
      stream.respond([(":status", "200"), ("content-type", type)])
      stream.send(stream.message("fine"))
      stream.finish([("grpc-status", "0")])
    } _: { _, client async throws in
      #expect(try await client.echo("") == "fine")
    }
  }

  @Test(arguments: [
    (HTTP2ErrorCode.noError, StatusCode.internal), (.protocolError, .internal), (.internalError, .internal),
    (.refusedStream, .unavailable), (.cancel, .cancelled), (.enhanceYourCalm, .resourceExhausted),
    (HTTP2ErrorCode(rawValue: 0xC), .permissionDenied), (HTTP2ErrorCode(rawValue: 0xFFFF), .internal),
  ])
  func resetsHaveStatuses(reset: HTTP2ErrorCode, code: StatusCode) async throws {
    #expect(try await error { $0.reset(reset) }.code == code)
  }

  @Test func aResponseThatEndsInsideAMessageIsInternal() async throws {
    let error = try await error { stream in
      stream.respond()
      stream.send([0, 0, 0, 0, 9, 1])
      stream.finish([("grpc-status", "0")])
    }
    #expect(error.code == .internal)
  }

  @Test(arguments: [[1, 0, 0, 0, 0], [7, 0, 0, 0, 0]] as [[UInt8]])
  func aMessageWithAWrongFlagIsInternal(bytes: [UInt8]) async throws {
    let error = try await error { stream in
      stream.respond()
      stream.send(bytes)
    }
    #expect(error.code == .internal)
  }

  @Test func aMessageThatClaimsToBeHugeIsNotWaitedFor() async throws {
    let error = try await error { stream in
      stream.respond()
      stream.send([0, 255, 255, 255, 255])
    }
    #expect(error.code == .resourceExhausted)
  }

  @Test func bytesThatAreNoMessageAreInternal() async throws {
    let error = try await error { stream in
      stream.respond()
      stream.send([0, 0, 0, 0, 1, 0xFF])
      stream.finish([("grpc-status", "0")])
    }
    #expect(error.code == .internal)
  }

  @Test(arguments: [0, 2]) func aUnaryCallTakesExactlyOneResponse(count: Int) async throws {
    let error = try await error { stream in
      stream.respond()
      for _ in 0..<count { stream.send(stream.message("1")) }
      stream.finish([("grpc-status", "0")])
    }
    #expect(error.code == .unimplemented)
  }

  @Test func headersOverTheLimitEndTheCall() async throws {
    let error = try await error { stream in
      stream.respond(ScriptedStream.plainHeaders + [("x-long", String(repeating: "x", count: 17 << 10))])
    }
    #expect(error.code == .resourceExhausted)
  }

  @Test func aServerThatGoesOnAfterItsStatusIsCutOff() async throws {
    try await withScriptedServer { stream in
      stream.respond(ScriptedStream.plainHeaders + [("grpc-status", "5")])
      stream.send(stream.message("1"))
    } _: { server, client async throws in
      #expect(await rpcError { try await client.echo("") }?.code == .notFound)
      #expect(try await server.requests.wait { $0.first?.closed != nil }.first?.closed == .protocolError)
    }
  }

  @Test func aServerThatSaysNothingMoreAfterItsStatusIsNotWaitedFor() async throws {
    try await withScriptedServer { stream in
      stream.respond(ScriptedStream.plainHeaders + [("grpc-status", "5")])
    } _: { server, client async throws in
      #expect(await rpcError { try await client.echo("") }?.code == .notFound)
      #expect(try await server.requests.wait { $0.first?.closed != nil }.first?.closed == .protocolError)
    }
  }

  @Test func aMessageThatEndsWithASpaceIsRead() async throws {
    let error = try await error { stream in
      stream.respond()
      stream.finish([("grpc-status", "5"), ("grpc-message", "nothing here ")])
    }
    #expect(error.code == .notFound)
    #expect(error.message == "nothing here ")
  }
}
