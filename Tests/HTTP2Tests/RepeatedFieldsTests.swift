import HTTP2
import Testing

/// Fields that come again, over the real header compression.
@Suite struct RepeatedFieldsTests {
  private typealias Field = (name: String, value: String)
  private static let usual: [Field] = [
    (":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "localhost"), ("te", "trailers"),
  ]

  /// Sends a request with each of `lists`, and returns what the server made of them.
  private func sent(_ lists: [[Field]], over pair: Pair) throws -> [[String]] {
    pair.server.keepsFields = true
    var received: [[String]] = []
    for list in lists {
      let before = pair.server.events.count
      let stream = try pair.client.open(HeaderBlock(list))
      try pair.exchange()
      pair.client.reset(stream, .cancel)
      received.append(
        pair.server.events[before...].compactMap {
          if case .field(_, let name, let value) = $0 { name + value } else { nil }
        })
    }
    return received
  }

  @Test func whatComesAgainIsPassedOver() throws {
    let pair = try Pair()
    let lists = [Self.usual, Self.usual, Self.usual + [("a", "1")], Self.usual + [("a", "1")], Self.usual]
    #expect(try sent(lists, over: pair) == lists.map { $0.map { $0 + $1 } })
    let counts = try lists.indices.map { last in
      let pair = try Pair()
      _ = try sent(Array(lists[...last]), over: pair)
      return pair.server.fieldCount
    }
    // All; the path, which is in no table; the path and what is new; the path; the path.
    #expect(counts == [5, 6, 8, 9, 10])
  }

  @Test func aListIsItsOwnWhateverCameBefore() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SplitMix(seed: seed)
    let pair = try Pair { $0.resetsBurst = 10_000 }
    // Long ones push others out of the tables, whose memory then is another's.
    let lists = (0..<2000).map { _ -> [Field] in
      let others = (0..<Int.random(in: 0...8, using: &generator)).map { index -> Field in
        let letter = ["a", "b", "c"].randomElement(using: &generator) ?? ""
        let count = [1, 1, 40, 700].randomElement(using: &generator) ?? 0
        return ("x-\(index)", String(repeating: letter, count: count))
      }
      return Self.usual + others
    }
    #expect(try sent(lists, over: pair) == lists.map { $0.map { $0 + $1 } }, "seed \(seed)")
  }

  @Test func aListOverTheLimitIsReceivedUpToThere() throws {
    let pair = try Pair { $0.headerListBytesMax = 300 }
    let long = (0..<10).map { ("x-\($0)", String(repeating: "a", count: 40)) }
    let lists = [Self.usual, Self.usual + long, Self.usual]
    let received = try sent(lists, over: pair)
    #expect(received[0] == received[2])
    #expect(received[1].count < lists[1].count)
    #expect(pair.server.overLong == [3])
  }
}
