import HTTP2
import Testing

/// Peers that break the protocol, or stay within it and ask too much.
@Suite struct HostilePeerTests {
  private func server(_ change: (inout HTTP2Settings) -> Void = { _ in }) throws -> RecordingConnection {
    var settings = HTTP2Settings()
    change(&settings)
    return try RecordingConnection(.server, settings: settings)
  }

  /// True once the connection gave up, by an error or by saying goodbye.
  private func isOver(_ server: RecordingConnection, after bytes: [UInt8]) -> Bool {
    do {
      try server.receive(bytes)
      _ = try server.output()
      return server.isFinished
    } catch {
      return error is HTTP2Error
    }
  }

  private let hello = Frame.preface + Frame(kind: .settings).bytes

  @Test(arguments: [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "\u{16}\u{3}\u{1}",
  ])
  func whatIsNotHTTP2IsRefused(text: String) throws {
    let server = try server()
    #expect(isOver(server, after: Array(text.utf8)))
    #expect(server.events.isEmpty)
  }

  private static let floods: [(String, [UInt8])] = [
    ("pings", Frame(kind: .ping, payload: [UInt8](repeating: 0, count: 8)).bytes),
    ("settings", Frame(kind: .settings).bytes),
  ]

  @Test(arguments: floods)
  func aFloodThatWantsAnswersNobodyReadsIsEnded(flood: (String, [UInt8])) throws {
    let server = try server { $0.unsentAnswersMax = 10 }
    let frames = Array(repeatElement(flood.1, count: 100).joined())
    #expect(isOver(server, after: hello + frames))
  }

  @Test func pingsWhoseAnswersAreReadGoOn() throws {
    let server = try server { $0.unsentAnswersMax = 10 }
    try server.receive(hello)
    for _ in 0..<1000 {
      try server.receive(Frame(kind: .ping, payload: [UInt8](repeating: 0, count: 8)).bytes)
      _ = try server.output()
    }
    #expect(!server.isFinished)
  }

  @Test func tooManyResetsEndTheConnection() throws {
    let server = try server {
      $0.resetsBurst = 10
      $0.resetsPerSecond = 1
    }
    try server.receive(hello)
    func reset(_ stream: UInt32) -> Bool {
      let cancel = HTTP2ErrorCode.cancel.rawValue.bigEndianBytes
      return isOver(
        server,
        after: Frame.request(on: stream).bytes + Frame(kind: .resetStream, stream: stream, payload: cancel).bytes)
    }
    // A slow machine gives some more in the meantime.
    let resets = (0..<1000).prefix { !reset(UInt32($0 * 2 + 1)) }.count
    #expect((10..<1000).contains(resets))
  }

  @Test func tooManySettingsInOneFrameEndTheConnection() throws {
    let server = try server { $0.settingsEntriesMax = 5 }
    let entry: [UInt8] = [0, 3] + UInt32(100).bigEndianBytes
    let entries = Array(repeatElement(entry, count: 6).joined())
    #expect(isOver(server, after: Frame.preface + Frame(kind: .settings, payload: entries).bytes))
  }

  private func requests(_ server: RecordingConnection) -> Int {
    server.events.filter { if case .request = $0 { true } else { false } }.count
  }

  @Test func streamsBeyondTheLimitAreRefusedUntilTheClientKnowsIt() throws {
    let server = try server { $0.concurrentStreamsMax = 3 }
    try server.receive(hello)
    _ = try server.output()
    for stream: UInt32 in [1, 3, 5, 7] { try server.receive(Frame.request(on: stream).bytes) }
    #expect(requests(server) == 3)
    let resets = Frame.parse(try server.output()).filter { $0.kind == .resetStream }
    #expect(resets.map(\.stream) == [7])
    #expect(resets.first?.payload == HTTP2ErrorCode.refusedStream.rawValue.bigEndianBytes)
    #expect(!server.isFinished)
  }

  @Test func streamsBeyondALimitThatTheClientKnowsEndTheConnection() throws {
    let server = try server { $0.concurrentStreamsMax = 3 }
    try server.receive(hello)
    _ = try server.output()
    try server.receive(Frame(kind: .settings, flags: Frame.ack).bytes)
    for stream: UInt32 in [1, 3, 5] { try server.receive(Frame.request(on: stream).bytes) }
    #expect(isOver(server, after: Frame.request(on: 7).bytes))
    #expect(requests(server) == 3)
  }

  private static let violations: [(String, [UInt8])] = [
    ("a frame over the limit", [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1]),
    ("data on stream 0", Frame(kind: .data, payload: [1]).bytes),
    ("headers on stream 0", Frame.request(on: 0).bytes),
    ("headers on an even stream", Frame.request(on: 2).bytes),
    (
      "headers that are no HPACK",
      Frame(kind: .headers, flags: Frame.endHeaders, stream: 1, payload: [0xFF, 0xFF]).bytes
    ),
    ("a continuation of nothing", Frame(kind: .continuation, flags: Frame.endHeaders, stream: 1).bytes),
    (
      "another frame amid headers",
      Frame(kind: .headers, stream: 1, payload: []).bytes
        + Frame(kind: .ping, payload: [UInt8](repeating: 0, count: 8)).bytes
    ),
    ("a push", Frame(kind: .pushPromise, flags: Frame.endHeaders, stream: 1, payload: [0, 0, 0, 2]).bytes),
    ("a ping of 7 bytes", Frame(kind: .ping, payload: [UInt8](repeating: 0, count: 7)).bytes),
    ("settings of 5 bytes", Frame(kind: .settings, payload: [0, 3, 0, 0, 0]).bytes),
    ("an acknowledgement with content", Frame(kind: .settings, flags: Frame.ack, payload: [0, 3, 0, 0, 0, 1]).bytes),
    ("a reset of a stream that never was", Frame(kind: .resetStream, stream: 9, payload: [0, 0, 0, 8]).bytes),
    (
      "a window over 2^31 - 1",
      Frame(kind: .windowUpdate, payload: UInt32(0x7FFF_FFFF).bigEndianBytes).bytes
    ),
    ("a window update of 0", Frame(kind: .windowUpdate, payload: UInt32(0).bigEndianBytes).bytes),
  ]

  @Test(arguments: violations)
  func aViolationEndsTheConnectionAndSaysSo(violation: (String, [UInt8])) throws {
    let server = try server()
    try server.receive(hello)
    _ = try server.output()
    var output: [UInt8] = []
    do {
      try server.receive(violation.1)
    } catch {
      #expect(error is HTTP2Error)
    }
    output += try server.output()
    #expect(Frame.parse(output).contains { $0.kind == .goAway })
    #expect(server.isFinished)
  }

  /// Fields of long names and values, as one literal that is indexed and then named by a byte each.
  private func amplified(_ times: Int) -> [UInt8] {
    [0x40, 1, UInt8(ascii: "x"), 126] + [UInt8](repeating: UInt8(ascii: "v"), count: 126)
      + [UInt8](repeating: 0xBE, count: times)
  }

  private func resets(_ server: RecordingConnection) throws -> [[UInt8]] {
    Frame.parse(try server.output()).filter { $0.kind == .resetStream }.map(\.payload)
  }

  @Test func aHeaderListFarBeyondTheLimitEndsItsStream() throws {
    let server = try server { $0.headerListBytesMax = 1000 }
    try server.receive(hello)
    _ = try server.output()
    // 159 bytes each: within eight times the limit, and beyond.
    try server.receive(
      Frame(kind: .headers, flags: Frame.endHeaders, stream: 1, payload: Frame.request(on: 1).payload + amplified(40))
        .bytes)
    #expect(try resets(server).isEmpty)
    try server.receive(
      Frame(kind: .headers, flags: Frame.endHeaders, stream: 3, payload: Frame.request(on: 1).payload + amplified(60))
        .bytes)
    #expect(try resets(server).count == 1)
    #expect(requests(server) == 1)
    #expect(!server.isFinished)
  }

  @Test func trailersFarBeyondTheLimitEndTheirStream() throws {
    let server = try server { $0.headerListBytesMax = 1000 }
    try server.receive(hello)
    _ = try server.output()
    let flags = Frame.endHeaders | Frame.endStream
    try server.receive(
      Frame.request(on: 1).bytes + Frame(kind: .headers, flags: flags, stream: 1, payload: amplified(60)).bytes)
    #expect(try resets(server).count == 1)
    #expect(server.events.last == .closed(1, .internalError))
    #expect(server.sentResets == [.internalError])
    #expect(!server.isFinished)
  }

  private static let badFields: [(String, String)] = [
    ("x", "a\u{1}b"), ("x", "a\u{7F}"), ("x", " a"), ("x", "a "), ("x y", "a"), ("x\u{1}", "a"), ("", "a"),
  ]

  @Test("A field that no sender may send makes its message malformed", arguments: badFields.indices, [false, true])
  func badField(index: Int, isTrailer: Bool) throws {
    let server = try server()
    try server.receive(hello)
    _ = try server.output()
    let field = Frame.literal(Self.badFields[index].0, Self.badFields[index].1)
    if isTrailer {
      let flags = Frame.endHeaders | Frame.endStream
      try server.receive(
        Frame.request(on: 1).bytes + Frame(kind: .headers, flags: flags, stream: 1, payload: field).bytes)
    } else {
      try server.receive(
        Frame(kind: .headers, flags: Frame.endHeaders, stream: 1, payload: Frame.request(on: 1).payload + field).bytes)
    }
    #expect(try resets(server) == [HTTP2ErrorCode.protocolError.rawValue.bigEndianBytes])
    #expect(requests(server) == (isTrailer ? 1 : 0))
    // The connection serves on.
    try server.receive(Frame.request(on: 3).bytes)
    #expect(requests(server) == (isTrailer ? 2 : 1))
  }

  @Test func answersThatNobodyReadsEndTheConnection() throws {
    let server = try server {
      $0.concurrentStreamsMax = 1
      $0.unsentAnswersMax = 100
    }
    // Without an acknowledgement of its settings, each stream over the limit is refused by a reset.
    try server.receive(hello)
    let taken = (0..<1000).prefix { !isOverUnread(server, Frame.request(on: UInt32(2 * $0 + 1)).bytes) }.count
    #expect((100..<120).contains(taken))
  }

  private func isOverUnread(_ server: RecordingConnection, _ bytes: [UInt8]) -> Bool {
    do {
      try server.receive(bytes)
      return false
    } catch {
      return (error as? HTTP2Error)?.isFlood == true
    }
  }

  @Test func dataBeyondTheWindowEndsTheStreamOrTheConnection() throws {
    let server = try server { $0.streamWindowBytes = 100 }
    server.consumesAtOnce = false
    try server.receive(hello)
    _ = try server.output()
    try server.receive(Frame(kind: .settings, flags: Frame.ack).bytes + Frame.request(on: 1).bytes)
    try server.receive(Frame(kind: .data, stream: 1, payload: [UInt8](repeating: 0, count: 101)).bytes)
    let kinds = Frame.parse(try server.output()).map(\.kind)
    #expect(kinds.contains(.resetStream) || kinds.contains(.goAway))
  }

  @Test func dataOnAStreamThatEndedIsRefusedWithoutHarm() throws {
    let server = try server()
    try server.receive(
      hello + Frame.request(on: 1, isEnd: true).bytes + Frame(kind: .data, stream: 1, payload: [1]).bytes)
    #expect(server.events.body(of: 1).isEmpty)
    _ = try server.output()
  }

  @Test func randomBytesAfterAGoodBeginningDoNoHarm() throws {
    let seed = UInt64.random(in: .min ... .max)
    var random = SplitMix(seed: seed)
    for round in 0..<300 {
      let server = try server()
      server.onRequest = { $0.respondOnly(.response, on: $1) }
      try server.receive(hello + Frame.request(on: 1).bytes)
      let noise = (0..<Int.random(in: 1...400, using: &random)).map { _ in
        UInt8.random(in: .min ... .max, using: &random)
      }
      // Small lengths and known kinds, so that frames are often whole.
      var frame = [UInt8](noise.prefix(40))
      if round.isMultiple(of: 2), frame.count == 40 { frame.replaceSubrange(0..<4, with: [0, 0, 31, noise[3] % 10]) }
      _ = isOver(server, after: frame + noise.dropFirst(40))
      #expect(server.events.count < 1000, "seed \(seed), round \(round)")
    }
  }
}

/// A small generator with a seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
