import RPCCore
import Testing

@Suite struct DeframerCompressionTests {
  private struct Lent: Equatable {
    let bytes: [UInt8]
    let wasCompressed: Bool
  }

  private func receive(
    _ pieces: [ArraySlice<UInt8>], encoding: MessageEncoding, max: Int = 10_000
  ) throws -> [Lent] {
    var deframer = MessageDeframer(messageBytesMax: max)
    deframer.encoding = encoding
    var lent: [Lent] = []
    for piece in pieces {
      try Array(piece).withUnsafeBytes {
        try deframer.receive($0) { bytes, wasCompressed in
          lent.append(Lent(bytes: Array(bytes), wasCompressed: wasCompressed))
        }
      }
    }
    #expect(deframer.isAtBoundary)
    return lent
  }

  @Test(arguments: [MessageEncoding.gzip, .deflate])
  func compressedAndPlainMessagesMayAlternateAndBeCutAnywhere(encoding: MessageEncoding) throws {
    let long = sampleText(100)
    let zeros = [UInt8](repeating: 0, count: 5000)
    let frames = [
      framed(long).compressed(encoding), framed([1]), framed(long), framed([]), framed(zeros).compressed(encoding),
    ]
    let expected = [
      Lent(bytes: long, wasCompressed: true), Lent(bytes: [1], wasCompressed: false),
      Lent(bytes: long, wasCompressed: false), Lent(bytes: [], wasCompressed: false),
      Lent(bytes: zeros, wasCompressed: true),
    ]
    let bytes = frames.flatMap(\.copiedBytes)
    for cut in 0...bytes.count {
      #expect(try receive([bytes[..<cut], bytes[cut...]], encoding: encoding) == expected, "cut at \(cut)")
    }
    #expect(try receive(bytes.indices.map { bytes[$0...$0] }, encoding: encoding) == expected)
  }

  @Test(arguments: [MessageEncoding.gzip, .deflate])
  func theLimitIsForWhatTheMessageBecomes(encoding: MessageEncoding) throws {
    let bytes = framed([UInt8](repeating: 0, count: 1000)).compressed(encoding).copiedBytes
    #expect(try receive([bytes[...]], encoding: encoding, max: 1000).count == 1)
    #expect(throws: MessageDeframer.Failure.decompression(.tooLarge(max: 999))) {
      try receive([bytes[...]], encoding: encoding, max: 999)
    }
    #expect(throws: MessageDeframer.Failure.tooLarge(bytes: bytes.count - 5, max: 10)) {
      try receive([bytes[...]], encoding: encoding, max: 10)
    }
  }

  @Test func anEmptyPayloadIsNoCompressedMessage() {
    #expect(throws: MessageDeframer.Failure.decompression(.truncated(.gzip))) {
      try receive([[1, 0, 0, 0, 0]], encoding: .gzip)
    }
  }

  @Test func flagsOtherThanZeroAndOneAreRefusedWithAnyEncoding() {
    #expect(throws: MessageDeframer.Failure.badFlag(2)) { try receive([[2, 0, 0, 0, 0]], encoding: .gzip) }
  }

  @Test func failuresHaveTheStatusOfWhatIsWrong() {
    #expect(MessageDeframer.Failure.decompression(.tooLarge(max: 1)).rpcError.code == .resourceExhausted)
    #expect(MessageDeframer.Failure.decompression(.truncated(.gzip)).rpcError.code == .internal)
  }

  @Test func whatTheConsumerThrowsComesOut() {
    struct Refusal: Error {}
    var deframer = MessageDeframer(messageBytesMax: 1000)
    deframer.encoding = .gzip
    #expect(throws: Refusal.self) {
      try framed(sampleText(100)).compressed(.gzip).copiedBytes.withUnsafeBytes { bytes in
        try deframer.receive(bytes) { _, _ in throw Refusal() }
      }
    }
  }
}
