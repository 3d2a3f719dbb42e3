import HTTP2
import Testing

/// How streams and connections end.
@Suite struct EndingTests {
  private func pairWithCall() throws -> (Pair, RecordingStream, RecordingStream) {
    let pair = try Pair()
    pair.server.onRequest = { $0.respond(.response, on: $1) }
    let call = try pair.client.open(.request)
    try pair.exchange()
    return (pair, call, try #require(pair.server.streams[1]))
  }

  @Test func aClientsResetReachesTheServer() throws {
    let (pair, call, request) = try pairWithCall()
    request.send([UInt8](repeating: 1, count: 100_000))
    try pair.client.receive(try #require(try pair.server.nextOutput()))
    #expect(request.unsentBytes > 0 && pair.server.unsentBytes == request.unsentBytes)
    pair.client.reset(call, .cancel)
    try pair.exchange()
    #expect(pair.server.events.last == .closed(1, .cancel))
    #expect(request.isClosed && request.unsentBytes == 0)
    #expect(pair.server.unsentBytes == 0)
  }

  @Test func aServersResetReachesTheClient() throws {
    let (pair, call, request) = try pairWithCall()
    call.send([1])
    pair.server.reset(request, .internalError)
    try pair.exchange()
    #expect(pair.client.events.last == .closed(1, .internalError))
    #expect(call.isClosed)
  }

  @Test func bothEndsMayResetAtOnce() throws {
    let (pair, call, request) = try pairWithCall()
    pair.client.reset(call, .cancel)
    pair.server.reset(request, .internalError)
    let toServer = try pair.client.output()
    let toClient = try pair.server.output()
    try pair.server.receive(toServer)
    try pair.client.receive(toClient)
    try pair.exchange()
    #expect(call.isClosed && request.isClosed)
    // The connection is as good as before.
    let next = try pair.client.open(.request)
    try pair.exchange()
    #expect(pair.server.streams[next.id] != nil)
  }

  @Test func anAnswerBeforeTheRequestsEndIsFollowedByAReset() throws {
    let pair = try Pair()
    pair.server.onRequest = { $0.respondOnly(.response, on: $1) }
    let call = try pair.client.open(.request)
    call.send([1])
    try pair.server.receive(pair.client.output())
    let answer = try pair.server.output()
    let frames = Frame.parse(answer).filter { $0.stream == 1 }
    #expect(frames.map(\.kind) == [.headers, .resetStream])
    #expect(frames.last?.payload == HTTP2ErrorCode.noError.rawValue.bigEndianBytes)
    call.send([2])
    try pair.client.receive(answer)
    #expect(pair.client.events.of(1).suffix(3) == [.fields(1), .end(1), .closed(1, .noError)])
    #expect(call.unsentBytes == 0)
    try pair.exchange()
    #expect(pair.server.events.last == .closed(1, .noError))
  }

  @Test func aRefusedRequestIsClosedAsRefused() throws {
    let pair = try Pair()
    pair.server.isClosedForRequests = true
    let call = try pair.client.open(.request)
    try pair.exchange()
    #expect(pair.client.events.last == .closed(1, .refusedStream))
    #expect(call.isClosed)
  }

  @Test func aGoAwayLetsOpenStreamsFinishAndRefusesOthers() throws {
    let (pair, _, request) = try pairWithCall()
    pair.server.submitGoAway(.noError)
    try pair.exchange()
    #expect(pair.client.events.last == .goAway(last: 1, .noError))
    #expect(!pair.server.isFinished)
    let late = try pair.client.open(.request)
    try pair.exchange()
    #expect(late.isClosed)
    #expect(pair.server.streams[late.id] == nil)
    request.send([1])
    pair.server.finish(request, trailers: .trailers)
    try pair.exchange()
    #expect(pair.client.events.body(of: 1) == [1])
  }

  @Test func aConnectionIsFinishedOnceItsLastStreamIs() throws {
    let (pair, call, request) = try pairWithCall()
    pair.client.finish(call, trailers: nil)
    pair.server.submitGoAway(.noError)
    try pair.exchange()
    #expect(!pair.server.isFinished)
    pair.server.finish(request, trailers: .trailers)
    try pair.exchange()
    #expect(pair.server.isFinished)
  }

  @Test func aShutdownNoticeStillLetsStreamsIn() throws {
    let (pair, _, _) = try pairWithCall()
    let onItsWay = try pair.client.open(.request)
    let bytes = try pair.client.output()
    pair.server.submitShutdownNotice()
    try pair.exchange()
    #expect(pair.client.events.last == .goAway(last: .max, .noError))
    try pair.server.receive(bytes)
    try pair.exchange()
    #expect(pair.server.streams[onItsWay.id] != nil)
    pair.server.submitGoAway(.noError)
    try pair.exchange()
    #expect(pair.client.events.last == .goAway(last: onItsWay.id, .noError))
  }

  @Test func aTerminatedConnectionSaysWhyAndIsFinished() throws {
    let (pair, _, _) = try pairWithCall()
    pair.server.terminate(.enhanceYourCalm)
    try pair.exchange()
    #expect(pair.client.events.contains(.goAway(last: 1, .enhanceYourCalm)))
    #expect(pair.server.isFinished)
  }

  @Test func aLostConnectionClosesEveryStreamOnce() throws {
    let (pair, _, request) = try pairWithCall()
    let others = try (0..<3).map { _ in try pair.client.open(.request) }
    try pair.exchange()
    request.send([UInt8](repeating: 1, count: 100))
    pair.server.abandonStreams()
    pair.server.abandonStreams()
    for id in [1] + others.map(\.id) {
      #expect(pair.server.events.of(id).filter { $0 == .closed(id, .internalError) }.count == 1)
    }
    #expect(request.unsentBytes == 0 && pair.server.unsentBytes == 0)
    // Nobody is asked for the body that was queued.
    #expect(try pair.server.nextOutput() == nil)
    // What a handler still does is ignored.
    request.send([1])
    pair.server.finish(request, trailers: .trailers)
    pair.server.reset(request, .cancel)
  }
}
