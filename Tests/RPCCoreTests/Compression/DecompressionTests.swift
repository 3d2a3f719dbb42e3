import Glibc
import RPCCore
import Testing

@Suite struct DecompressionTests {
  @Test(arguments: CompressedSample.all)
  func streamsOfOtherProgramsAreRead(sample: CompressedSample) throws {
    #expect(try decompressed(sample.bytes, sample.encoding, bytesMax: sample.message.count) == sample.message)
  }

  @Test(arguments: CompressedSample.all)
  func aStreamCutAnywhereIsTruncated(sample: CompressedSample) {
    for count in 0..<sample.bytes.count {
      let error = decompressionError(Array(sample.bytes.prefix(count)), sample.encoding)
      #expect(error == .truncated(sample.encoding), "after \(count) bytes")
    }
  }

  @Test(arguments: CompressedSample.all)
  func aFlippedBitNeverGivesAnotherMessage(sample: CompressedSample) {
    for index in sample.bytes.indices {
      for bit in 0..<8 {
        var bytes = sample.bytes
        bytes[index] ^= 1 << bit
        // Of the header of gzip, most bits mean nothing to the message.
        guard let message = try? decompressed(bytes, sample.encoding, bytesMax: 1000) else { continue }
        #expect(message == sample.message, "bit \(bit) of byte \(index)")
      }
    }
  }

  @Test(arguments: CompressedSample.all)
  func aWrongChecksumIsDamage(sample: CompressedSample) {
    var bytes = sample.bytes
    // gzip's ends with the length, after the checksum.
    bytes[bytes.count - (sample.encoding == .gzip ? 5 : 1)] ^= 1
    #expect(decompressionError(bytes, sample.encoding)?.isCorrupt == true)
  }

  @Test func aWrongLengthAfterGzipIsDamage() {
    var bytes = CompressedSample.gzip.bytes
    bytes[bytes.count - 1] ^= 1
    #expect(decompressionError(bytes, .gzip)?.isCorrupt == true)
  }

  @Test(arguments: CompressedSample.all)
  func whatFollowsTheStreamIsRefused(sample: CompressedSample) {
    #expect(decompressionError(sample.bytes + [0], sample.encoding) == .trailingBytes(sample.encoding, 1))
  }

  @Test(arguments: CompressedSample.all)
  func aSecondStreamIsRefused(sample: CompressedSample) {
    let twice = sample.bytes + sample.bytes
    #expect(decompressionError(twice, sample.encoding) == .trailingBytes(sample.encoding, sample.bytes.count))
  }

  @Test(arguments: [
    // The other of the two formats.
    (CompressedSample.zlib.bytes, MessageEncoding.gzip), (CompressedSample.gzip.bytes, .deflate),
    // Neither.
    (Array("plain text".utf8), .gzip), (Array("plain text".utf8), .deflate),
    // Deflate without a frame around it.
    ([0x2B, 0xC9, 0x48, 0x55, 0xC8, 0x4D, 0x2D, 0x2E, 0x4E, 0x4C, 0x4F, 0x55, 0x28], .deflate),
    // A dictionary that both sides would have to know.
    ([0x78, 0xF9, 0x05, 0x30, 0x17, 0xFB, 0x2B, 0xA1, 0x50, 0x3F, 0x00, 0x05, 0x30, 0x17, 0xFB], .deflate),
    // A type of block that does not exist.
    ([0x78, 0x9C, 0x07], .deflate),
    // A distance to before the beginning.
    ([0x78, 0x9C, 0x03, 0x02, 0x00, 0x00, 0x00, 0x01], .deflate),
  ])
  func anythingElseIsDamage(bytes: [UInt8], encoding: MessageEncoding) {
    #expect(decompressionError(bytes, encoding)?.isCorrupt == true)
  }

  @Test(arguments: [MessageEncoding.gzip, .deflate], [64, 511, 512, 513, 5000])
  func aMessageMayBeAsLongAsTheLimit(encoding: MessageEncoding, count: Int) throws {
    let zeros = [UInt8](repeating: 0, count: count)
    let bytes = framed(zeros).compressed(encoding).copiedPayload
    #expect(try decompressed(bytes, encoding, bytesMax: count) == zeros)
    for max in [0, 1, count / 2, count - 1] {
      #expect(decompressionError(bytes, encoding, bytesMax: max) == .tooLarge(max: max))
    }
  }

  @Test func identityHasTheSameLimit() throws {
    #expect(try decompressed([1, 2, 3], .identity, bytesMax: 3) == [1, 2, 3])
    #expect(decompressionError([1, 2, 3], .identity, bytesMax: 2) == .tooLarge(max: 2))
  }

  @Test(arguments: [0, 1, .max]) func anyLimitWillDo(max: Int) throws {
    #expect(try decompressed(CompressedSample.emptyGzip.bytes, .gzip, bytesMax: max) == [])
  }

  @Test func aBombTakesNoMoreMemoryThanTheLimit() {
    let before = peakMemoryBytes()
    // 1.4 MB that would be 1 GiB.
    let bomb = CompressedSample.zeros(times: 16_384)
    #expect(decompressionError(bomb, .deflate, bytesMax: 4 << 20) == .tooLarge(max: 4 << 20))
    #expect(peakMemoryBytes() - before < 512 << 20)
  }

  @Test func errorsSayWhatWasExpected() {
    #expect(DecompressionError.tooLarge(max: 77).rpcError.code == .resourceExhausted)
    #expect(DecompressionError.tooLarge(max: 77).rpcError.message.contains("77"))
    #expect(DecompressionError.outOfMemory.rpcError.code == .resourceExhausted)
    for error in [DecompressionError.truncated(.gzip), .corrupt(.gzip, "why"), .trailingBytes(.gzip, 3)] {
      #expect(error.rpcError.code == .internal)
      #expect(error.rpcError.message.contains("expected one") && error.rpcError.message.contains("gzip"))
    }
  }

  private func peakMemoryBytes() -> Int {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss << 10
  }
}

extension DecompressionError {
  fileprivate var isCorrupt: Bool {
    if case .corrupt = self { true } else { false }
  }
}
