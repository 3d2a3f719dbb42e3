import HTTP2
import Testing

/// The same bytes give the same events, however they are cut.
@Suite struct TranscriptTests {
  /// A server that answers every request, and what it heard.
  private func events(of pieces: [ArraySlice<UInt8>]) throws -> [Event] {
    let server = try RecordingConnection(.server, settings: HTTP2Settings())
    server.onRequest = {
      $0.respond(.response, on: $1)
      $1.send([1, 2, 3])
      $0.finish($1, trailers: .trailers)
    }
    for piece in pieces {
      try server.receive(piece)
      _ = try server.output()
    }
    return server.events
  }

  /// Two calls, one reset, pings, settings, windows, unknown frames, as bytes.
  private static let transcript: [UInt8] = {
    let frames = [
      Frame(kind: .settings, payload: [0, 3] + UInt32(50).bigEndianBytes),
      Frame(kind: .windowUpdate, payload: UInt32(1000).bigEndianBytes),
      .request(on: 1),
      Frame(kind: .data, stream: 1, payload: [0, 0, 0, 0, 2, 8, 1]),
      Frame(kind: .ping, payload: [1, 2, 3, 4, 5, 6, 7, 8]),
      .request(on: 3, isEnd: true),
      Frame(kind: .settings, flags: Frame.ack),
      Frame(kind: .data, flags: Frame.endStream, stream: 1, payload: [9, 9]),
      .request(on: 5),
      Frame(kind: .windowUpdate, stream: 5, payload: UInt32(5).bigEndianBytes),
      Frame(kind: .resetStream, stream: 5, payload: HTTP2ErrorCode.cancel.rawValue.bigEndianBytes),
      Frame(kind: .goAway, payload: UInt32(0).bigEndianBytes + HTTP2ErrorCode.noError.rawValue.bigEndianBytes),
    ]
    // A frame of a type that does not exist is skipped.
    let unknown: [UInt8] = [0, 0, 2, 0xEE, 0, 0, 0, 0, 0, 42, 42]
    return Frame.preface + frames.prefix(5).flatMap(\.bytes) + unknown + frames.dropFirst(5).flatMap(\.bytes)
  }()

  @Test func theTranscriptIsUnderstood() throws {
    let events = try events(of: [Self.transcript[...]])
    #expect(events.body(of: 1) == [0, 0, 0, 0, 2, 8, 1, 9, 9])
    #expect(events.of(1).suffix(2) == [.end(1), .closed(1, .noError)])
    #expect(events.of(3).suffix(2) == [.end(3), .closed(3, .noError)])
    #expect(events.of(5).last == .closed(5, .noError) || events.of(5).last == .closed(5, .cancel))
    #expect(events.contains(.goAway(last: 0, .noError)))
  }

  // The server answers as it reads, so that early answers and their resets fall differently: what is compared is
  // what the client said.
  private func said(_ events: [Event]) -> [Event] {
    events.filter { event in
      switch event {
      case .field, .request, .fields, .goAway, .pingAck: true
      case .data, .end, .closed: false
      }
    }
  }

  @Test func everyCutInTwoGivesTheSameRequests() throws {
    let whole = said(try events(of: [Self.transcript[...]]))
    for cut in 0...Self.transcript.count {
      let cutEvents = try events(of: [Self.transcript[..<cut], Self.transcript[cut...]])
      #expect(said(cutEvents) == whole, "cut at \(cut)")
    }
  }

  /// A server that only listens hears exactly the same.
  private func heard(_ pieces: [ArraySlice<UInt8>]) throws -> [Event] {
    let server = try RecordingConnection(.server, settings: HTTP2Settings())
    for piece in pieces {
      try server.receive(piece)
      _ = try server.output()
    }
    return server.events
  }

  @Test func everyCutInTwoGivesTheSameEvents() throws {
    let whole = try heard([Self.transcript[...]])
    for cut in 0...Self.transcript.count {
      #expect(try heard([Self.transcript[..<cut], Self.transcript[cut...]]) == whole, "cut at \(cut)")
    }
  }

  @Test func singleBytesGiveTheSameEvents() throws {
    let bytes = Self.transcript
    #expect(try heard(bytes.indices.map { bytes[$0...$0] }) == heard([bytes[...]]))
  }

  @Test func aResponseMayBeCutAnywhereToo() throws {
    let (request, response) = try recordedCall()
    func heard(_ pieces: [ArraySlice<UInt8>]) throws -> [Event] {
      let client = try RecordingConnection(.client, settings: HTTP2Settings())
      let call = try client.open(.request)
      client.finish(call, trailers: nil)
      #expect(try client.output() == request)
      for piece in pieces {
        try client.receive(piece)
        _ = try client.output()
      }
      return client.events
    }
    let whole = try heard([response[...]])
    #expect(whole.last == .closed(1, .noError))
    for cut in 0...response.count {
      #expect(try heard([response[..<cut], response[cut...]]) == whole, "cut at \(cut)")
    }
  }

  private func recordedCall() throws -> (request: [UInt8], response: [UInt8]) {
    let pair = try Pair()
    pair.server.onRequest = {
      $0.respond(.response, on: $1)
      $1.send([UInt8](repeating: 5, count: 300))
      $0.finish($1, trailers: .trailers)
    }
    let call = try pair.client.open(.request)
    pair.client.finish(call, trailers: nil)
    let request = try pair.client.output()
    try pair.server.receive(request)
    return (request, try pair.server.output())
  }
}
