import RPCCore
import Testing

@Suite struct MessageDeframerTests {
  private func framed(_ payload: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag] + withUnsafeBytes(of: UInt32(payload.count).bigEndian) { Array($0) } + payload
  }

  private func receive(_ pieces: [ArraySlice<UInt8>], max: Int = 1000) throws -> (
    messages: [[UInt8]], isAtBoundary: Bool
  ) {
    var deframer = MessageDeframer(messageBytesMax: max)
    var messages: [[UInt8]] = []
    for piece in pieces {
      try Array(piece).withUnsafeBytes { try deframer.receive($0) { message, _ in messages.append(Array(message)) } }
    }
    return (messages, deframer.isAtBoundary)
  }

  private static let payloads: [[UInt8]] = [[1], [], [2, 3, 4], [], [], [UInt8](repeating: 9, count: 20)]

  @Test func everyCutInThreeGivesTheSameMessages() throws {
    let bytes = Self.payloads.flatMap { framed($0) }
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let (messages, isAtBoundary) = try receive([bytes[..<first], bytes[first..<second], bytes[second...]])
        #expect(messages == Self.payloads, "cut at \(first) and \(second)")
        #expect(isAtBoundary)
      }
    }
  }

  @Test func singleBytesGiveTheSameMessages() throws {
    let bytes = Self.payloads.flatMap { framed($0) }
    #expect(try receive(bytes.indices.map { bytes[$0...$0] }).messages == Self.payloads)
  }

  @Test func anEndInsideAMessageIsNoticed() throws {
    let bytes = framed([1, 2, 3])
    for count in 1..<bytes.count {
      let (messages, isAtBoundary) = try receive([bytes[..<count]])
      #expect(messages.isEmpty)
      #expect(!isAtBoundary, "after \(count) bytes")
    }
  }

  @Test func aMessageMayBeAsLongAsTheLimit() throws {
    let bytes = framed([UInt8](repeating: 1, count: 10))
    #expect(try receive([bytes[...]], max: 10).messages.count == 1)
    for cut in 5...bytes.count {
      #expect(throws: MessageDeframer.Failure.tooLarge(bytes: 10, max: 9)) {
        try receive([bytes[..<cut], bytes[cut...]], max: 9)
      }
    }
  }

  @Test func aLengthOverTheLimitIsRefusedBeforeItsBytesCome() {
    let prefix: [UInt8] = [0, 0xFF, 0xFF, 0xFF, 0xFF]
    for cut in 0...5 {
      #expect(throws: MessageDeframer.Failure.tooLarge(bytes: Int(UInt32.max), max: 1000)) {
        try receive([prefix[..<cut], prefix[cut...]])
      }
    }
  }

  @Test func aCompressedMessageIsRefused() {
    #expect(throws: MessageDeframer.Failure.compressed) { try receive([framed([1], flag: 1)[...]]) }
  }

  @Test(arguments: [UInt8(2), 0x80, 0xFF]) func aFlagThatDoesNotExistIsRefused(flag: UInt8) {
    #expect(throws: MessageDeframer.Failure.badFlag(flag)) { try receive([framed([1], flag: flag)[...]]) }
  }

  @Test func failuresHaveTheirStatus() {
    #expect(MessageDeframer.Failure.tooLarge(bytes: 2, max: 1).rpcError.code == .resourceExhausted)
    #expect(MessageDeframer.Failure.compressed.rpcError.code == .internal)
    #expect(MessageDeframer.Failure.badFlag(9).rpcError.code == .internal)
  }

  @Test func whatTheConsumerThrowsComesOut() {
    struct Refusal: Error {}
    var deframer = MessageDeframer(messageBytesMax: 10)
    #expect(throws: Refusal.self) {
      try framed([1]).withUnsafeBytes { try deframer.receive($0) { _, _ in throw Refusal() } }
    }
  }
}
