import HTTP2
import Testing

/// A client against a server, in memory.
@Suite struct ExchangeTests {
  @Test func aCallGoesThereAndBack() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respond(.response, on: $1) }
    let call = try pair.client.open(.request)
    call.send([1, 2, 3])
    pair.client.finish(call, trailers: nil)
    try pair.exchange()
    #expect(
      pair.server.events.of(1) == [
        .field(1, ":method", "POST"), .field(1, ":scheme", "http"), .field(1, ":path", "/test.Calls/Unary"),
        .field(1, ":authority", "localhost"), .field(1, "content-type", "application/grpc"),
        .field(1, "te", "trailers"), .request(1), .data(1, [1, 2, 3]), .end(1),
      ])
    let answer = try #require(pair.server.streams[1])
    answer.send([4, 5])
    pair.server.finish(answer, trailers: .trailers)
    try pair.exchange()
    #expect(
      pair.client.events.of(1) == [
        .field(1, ":status", "200"), .field(1, "content-type", "application/grpc"), .fields(1), .data(1, [4, 5]),
        .field(1, "grpc-status", "0"), .fields(1), .end(1), .closed(1, .noError),
      ])
    #expect(pair.server.events.last == .closed(1, .noError))
    #expect(answer.isClosed && call.isClosed)
    #expect(pair.server.unsentBytes == 0 && answer.unsentBytes == 0)
  }

  @Test func anAnswerOfHeadersAloneIsOneFrame() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respondOnly(.response, on: $1) }
    let call = try pair.client.open(.request)
    pair.client.finish(call, trailers: nil)
    try pair.server.receive(pair.client.output())
    let answer = try pair.server.output()
    let frames = Frame.parse(answer).filter { $0.stream == 1 }
    #expect(frames.map(\.kind) == [.headers])
    #expect(frames.first?.flags == Frame.endStream | Frame.endHeaders)
    try pair.client.receive(answer)
    #expect(
      pair.client.events.of(1).suffix(3) == [.fields(1), .end(1), .closed(1, .noError)])
  }

  @Test func aBodyThatPausesGoesOnWhenThereIsMore() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respond(.response, on: $1) }
    let call = try pair.client.open(.request)
    pair.client.finish(call, trailers: nil)
    try pair.exchange()
    let answer = try #require(pair.server.streams[1])
    var expected: [UInt8] = []
    for round in 0..<UInt8(5) {
      answer.send([round, round])
      expected += [round, round]
      try pair.exchange()
      #expect(pair.client.events.body(of: 1) == expected)
      #expect(answer.unsentBytes == 0)
    }
    pair.server.finish(answer, trailers: .trailers)
    try pair.exchange()
    #expect(pair.client.events.last == .closed(1, .noError))
  }

  @Test func aBodyOfManyPiecesArrivesWhole() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respond(.response, on: $1) }
    let call = try pair.client.open(.request)
    pair.client.finish(call, trailers: nil)
    try pair.exchange()
    let answer = try #require(pair.server.streams[1])
    // Empty, small, and larger than a frame, a window and nghttp2's own buffer.
    let pieces = [0, 1, 0, 5, 16_384, 100_000, 3, 0].enumerated().map { index, count in
      [UInt8](repeating: UInt8(index), count: count)
    }
    for piece in pieces { answer.send(piece) }
    #expect(answer.unsentBytes == pieces.joined().count && pair.server.unsentBytes == answer.unsentBytes)
    pair.server.finish(answer, trailers: .trailers)
    try pair.exchange()
    #expect(pair.client.events.body(of: 1) == Array(pieces.joined()))
    #expect(answer.unsentBytes == 0 && pair.server.unsentBytes == 0)
    #expect(pair.client.events.last == .closed(1, .noError))
  }

  @Test func anEmptyBodyEndsWithItsTrailers() throws {
    let pair = try Pair()
    pair.server.onRequest = {
      $0.respond(.response, on: $1)
      $0.finish($1, trailers: .trailers)
    }
    let call = try pair.client.open(.request)
    pair.client.finish(call, trailers: nil)
    try pair.exchange()
    #expect(pair.client.events.body(of: 1).isEmpty)
    #expect(pair.client.events.of(1).contains(.field(1, "grpc-status", "0")))
  }

  @Test func streamsAreIndependent() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respond(.response, on: $1) }
    let calls = try (0..<50).map { _ in try pair.client.open(.request) }
    for call in calls { pair.client.finish(call, trailers: nil) }
    try pair.exchange()
    for call in calls.reversed() {
      let answer = try #require(pair.server.streams[call.id])
      answer.send([UInt8(call.id)])
      pair.server.finish(answer, trailers: .trailers)
    }
    try pair.exchange()
    for call in calls { #expect(pair.client.events.body(of: call.id) == [UInt8(call.id)]) }
  }

  @Test func whatComesAfterTheEndIsIgnored() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respondOnly(.response, on: $1) }
    let call = try pair.client.open(.request)
    pair.client.finish(call, trailers: nil)
    try pair.exchange()
    let answer = try #require(pair.server.streams[1])
    pair.server.respond(.response, on: answer)
    pair.server.respondOnly(.response, on: answer)
    answer.send([1])
    pair.server.finish(answer, trailers: .trailers)
    pair.server.reset(answer, .cancel)
    pair.server.consume(10, on: answer)
    #expect(try pair.server.output().isEmpty)
    #expect(answer.unsentBytes == 0)
  }

  @Test func aPingComesBack() throws {
    let pair = try Pair()
    pair.client.submitPing(0x0102_0304_0506_0708)
    try pair.exchange()
    #expect(pair.client.events == [.pingAck(0x0102_0304_0506_0708)])
  }
}
