import RPCCore
import RPCTestSupport
import Testing

@Suite struct FramedMessagesTests {
  private static let texts = ["a", "", "ccc", "dddddddddd", "e"]
  // Of the frames: a prefix of five bytes, then tag, length and text, or nothing for the empty one.
  private static let sizes = [8, 5, 10, 17, 8]

  private static func framed() throws -> (single: [FramedMessage], joined: FramedMessages) {
    let single = try texts.map { try FramedMessage.framing(Text($0)) }
    return (single, FramedMessages(single))
  }

  @Test func eachRunOfMessagesIsTheirFramesOneAfterAnother() throws {
    let (single, joined) = try Self.framed()
    #expect(single.map(\.count) == Self.sizes)
    #expect(joined.count == 5)
    #expect(joined.bytesCount == 48)
    for start in 0...5 {
      for end in start...5 {
        #expect(Array(joined.bytes(of: start..<end)) == single[start..<end].flatMap { Array($0.bytes) })
      }
    }
    for index in 0..<5 {
      let frame = joined[index]
      withExtendedLifetime(frame.owner) { #expect(Array(frame.bytes) == Array(single[index].bytes)) }
    }
  }

  @Test func aPrefixHasSoManyBytesButAtLeastOneMessage() throws {
    let (_, joined) = try Self.framed()
    for start in 0..<5 {
      for end in (start + 1)...5 {
        for bytesMax in 0...50 {
          var expected = start + 1
          while expected < end, Self.sizes[start...expected].reduce(0, +) <= bytesMax { expected += 1 }
          #expect(joined.prefix(of: start..<end, bytesMax: bytesMax) == start..<expected)
        }
      }
    }
  }

  @Test func noMessagesAreNoBytes() {
    let none = FramedMessages([])
    #expect(none.count == 0)
    #expect(none.bytesCount == 0)
    #expect(none.bytes(of: 0..<0).isEmpty)
  }
}
