import RPCCore
import Testing

@Suite struct CompressionTests {
  @Test(arguments: [MessageEncoding.gzip, .deflate], [64, 65, 300, 511, 512, 513, 4096, 40_000, 314_159])
  func whatIsCompressedIsTheSameAfterwards(encoding: MessageEncoding, count: Int) throws {
    let message = sampleText(count)
    let frame = framed(message).compressed(encoding)
    #expect(frame.isCompressed)
    #expect(frame.count - FramedMessage.prefixBytes < count)
    #expect(frame.copiedBytes == [1] + bigEndian(frame.count - 5) + frame.copiedPayload)
    #expect(try decompressed(frame.copiedPayload, encoding, bytesMax: count) == message)
  }

  @Test(arguments: [MessageEncoding.gzip, .deflate])
  func zerosNearlyVanish(encoding: MessageEncoding) throws {
    let zeros = [UInt8](repeating: 0, count: 314_159)
    let frame = framed(zeros).compressed(encoding)
    #expect(frame.isCompressed)
    #expect(frame.count < 2000)
    #expect(try decompressed(frame.copiedPayload, encoding, bytesMax: zeros.count) == zeros)
  }

  @Test func theFormatsAreThoseOfTheirNames() {
    let frame = framed(sampleText(1000))
    #expect(frame.compressed(.gzip).copiedPayload.prefix(3) == [0x1F, 0x8B, 8])
    // RFC 1950 section 2.2: deflate, and a check that makes it a multiple of 31.
    let zlib = frame.compressed(.deflate).copiedPayload
    #expect(zlib[0] & 15 == 8)
    #expect((Int(zlib[0]) << 8 | Int(zlib[1])) % 31 == 0)
  }

  @Test(arguments: [MessageEncoding.gzip, .deflate], [0, 1, 63, 64, 1000, 100_000])
  func whatDoesNotGetSmallerStaysAsItIs(encoding: MessageEncoding, count: Int) {
    var random = SystemRandomNumberGenerator()
    let noise = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let frame = framed(noise).compressed(encoding)
    #expect(!frame.isCompressed)
    #expect(frame.copiedBytes == [0] + bigEndian(count) + noise)
  }

  @Test func shortMessagesStayAsTheyAre() {
    #expect(!framed([UInt8](repeating: 0, count: 63)).compressed(.gzip).isCompressed)
    #expect(framed([UInt8](repeating: 0, count: 64)).compressed(.gzip).isCompressed)
  }

  @Test func identityAndWhatIsCompressedAlreadyStayAsTheyAre() {
    let plain = framed(sampleText(1000))
    let compressed = plain.compressed(.gzip)
    let plainIsSame = plain.compressed(.identity).owner === plain.owner
    let compressedIsSame = compressed.compressed(.deflate).owner === compressed.owner
    #expect(plainIsSame)
    #expect(compressedIsSame)
  }
}
