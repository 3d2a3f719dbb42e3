import HTTP2
import Testing

@Suite struct FlowControlTests {
  private func pairWithCall(_ change: (inout HTTP2Settings) -> Void) throws -> (Pair, RecordingStream, RecordingStream)
  {
    let pair = try Pair(change)
    pair.server.consumesAtOnce = false
    pair.server.onRequest = { $0.respond(.response, on: $1) }
    try pair.exchange()
    let call = try pair.client.open(.request)
    try pair.exchange()
    return (pair, call, try #require(pair.server.streams[1]))
  }

  @Test func aStreamSendsNoMoreThanItsWindow() throws {
    let (pair, call, request) = try pairWithCall { $0.streamWindowBytes = 100 }
    call.send([UInt8](repeating: 7, count: 250))
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == 100)
    #expect(call.unsentBytes == 150)
    // The connection's window alone opens nothing.
    pair.server.consumeOnConnection(100)
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == 100)
    pair.server.consume(100, on: request)
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == 200)
    pair.server.consumeOnConnection(100)
    pair.server.consume(100, on: request)
    pair.client.finish(call, trailers: nil)
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == 250)
    #expect(pair.server.events.last == .end(1))
  }

  @Test func aConnectionSendsNoMoreThanItsWindow() throws {
    let window = 65_535
    let (pair, call, request) = try pairWithCall {
      $0.streamWindowBytes = 1 << 20
      $0.connectionWindowBytes = Int32(window)
    }
    call.send([UInt8](repeating: 7, count: 100_000))
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == window)
    pair.server.consume(window, on: request)
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == window)
    pair.server.consumeOnConnection(window)
    try pair.exchange()
    #expect(pair.server.events.body(of: 1).count == 100_000)
  }

  @Test func aFullStreamHoldsBackNoOther() throws {
    let (pair, call, _) = try pairWithCall { $0.streamWindowBytes = 100 }
    call.send([UInt8](repeating: 7, count: 250))
    let other = try pair.client.open(.request)
    other.send([1])
    pair.client.finish(other, trailers: nil)
    try pair.exchange()
    #expect(pair.server.events.of(3).suffix(2) == [.data(3, [1]), .end(3)])
  }

  @Test func dataThatNobodyTakesLeavesTheConnectionsWindow() throws {
    let pair = try Pair { $0.connectionWindowBytes = 65_535 }
    pair.server.isClosedForRequests = true
    try pair.exchange()
    // Ten times the window in all, each stream refused with its data on the way.
    for _ in 0..<40 {
      let call = try pair.client.open(.request)
      call.send([UInt8](repeating: 7, count: 16_384))
      try pair.exchange()
      #expect(pair.client.events.last == .closed(call.id, .refusedStream))
    }
    pair.server.isClosedForRequests = false
    let call = try pair.client.open(.request)
    call.send([UInt8](repeating: 7, count: 60_000))
    try pair.exchange()
    #expect(pair.server.events.body(of: call.id).count == 60_000)
  }

  @Test func dataThatComesAfterAnEarlyAnswerLeavesTheConnectionsWindow() throws {
    let pair = try Pair { $0.connectionWindowBytes = 65_535 }
    pair.server.onRequest = { $0.respondOnly(.response, on: $1) }
    try pair.exchange()
    for _ in 0..<40 {
      let call = try pair.client.open(.request)
      call.send([UInt8](repeating: 7, count: 16_384))
      try pair.exchange()
      #expect(pair.client.events.last == .closed(call.id, .noError))
    }
    pair.server.onRequest = { _, _ in }
    let call = try pair.client.open(.request)
    call.send([UInt8](repeating: 7, count: 60_000))
    try pair.exchange()
    #expect(pair.server.events.body(of: call.id).count == 60_000)
  }
}
