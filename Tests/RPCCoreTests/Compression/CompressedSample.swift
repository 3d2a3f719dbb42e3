import RPCCore

/// What Python's zlib and gzip make of a message.
struct CompressedSample: Sendable {
  let encoding: MessageEncoding
  let bytes: [UInt8]
  let message: [UInt8]

  private init(_ encoding: MessageEncoding, _ bytes: [UInt8], _ message: String) {
    self.encoding = encoding
    self.bytes = bytes
    self.message = Array(message.utf8)
  }

  static let all = [zlib, gzip, gzipWithEveryField, emptyZlib, emptyGzip]

  private static let text = "the message that was compressed, the message that was compressed"
  // `zlib.compressobj(9, DEFLATED, -15)` of it.
  private static let deflated: [UInt8] = [
    43, 201, 72, 85, 200, 77, 45, 46, 78, 76, 79, 85, 40, 201, 72, 44, 81, 40, 79, 44, 86, 72, 206, 207, 45, 40, 2, 10,
    166, 166, 232, 0, 5, 241, 42, 0, 0,
  ]
  // CRC-32 and length.
  private static let gzipEnd: [UInt8] = [99, 132, 184, 16, 64, 0, 0, 0]

  /// `zlib.compress(text, 9)`
  static let zlib = CompressedSample(.deflate, [120, 218] + deflated + [5, 48, 23, 251], text)
  /// `gzip.compress(text, 9, mtime=0)`
  static let gzip = CompressedSample(.gzip, [31, 139, 8, 0, 0, 0, 0, 0, 2, 3] + deflated + gzipEnd, text)
  /// The same with an extra field, a name, a comment and the header's own checksum (RFC 1952 section 2.3.1).
  static let gzipWithEveryField = CompressedSample(
    .gzip,
    [31, 139, 8, 30, 0, 0, 0, 0, 0, 255, 3, 0, 97, 98, 99, 110, 97, 109, 101, 0, 110, 111, 116, 101, 0, 37, 7]
      + deflated + gzipEnd, text)
  /// `zlib.compress(b"")`
  static let emptyZlib = CompressedSample(.deflate, [120, 156, 3, 0, 0, 0, 0, 1], "")
  /// `gzip.compress(b"", 9, mtime=0)`
  static let emptyGzip = CompressedSample(
    .gzip, [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], "")

  /// A zlib stream that never ends: 64 KiB of zeros as often as said, each in 83 bytes.
  static func zeros(times: Int) -> [UInt8] {
    let block: [UInt8] =
      [236, 193, 1, 1, 0, 0, 0, 128, 144, 254, 175, 238, 8, 10] + Array(repeating: 0, count: 63)
      + [106, 0, 0, 0, 255, 255]
    return [120, 218] + Array(repeatElement(block, count: times).joined())
  }
}

/// Text that compresses to about a third, never the same line twice.
func sampleText(_ count: Int) -> [UInt8] {
  var text: [UInt8] = []
  var line = 0
  while text.count < count {
    text += "session \(line) is active in /workspace/\(line * line % 977)\n".utf8
    line += 1
  }
  return Array(text.prefix(count))
}

/// A plain frame of `payload`.
func framed(_ payload: [UInt8]) -> FramedMessage {
  FramedMessage(payloadBytes: payload.count) { target in
    payload.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: target, count: payload.count).copyMemory(from: $0) }
  }
}

extension FramedMessage {
  /// A copy of the frame's bytes.
  var copiedBytes: [UInt8] { withExtendedLifetime(owner) { Array(bytes) } }
  /// A copy of the payload.
  var copiedPayload: [UInt8] { withPayload { Array($0) } }
}

/// A message's length in its prefix.
func bigEndian(_ count: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) } }

/// What `bytes` decompress to.
func decompressed(_ bytes: [UInt8], _ encoding: MessageEncoding, bytesMax: Int) throws -> [UInt8] {
  try bytes.withUnsafeBytes { try encoding.withDecompressed($0, bytesMax: bytesMax) { Array($0) } }
}

/// Why `bytes` do not decompress; nil when they do.
func decompressionError(
  _ bytes: [UInt8], _ encoding: MessageEncoding, bytesMax: Int = 1000
) -> DecompressionError? {
  do {
    _ = try decompressed(bytes, encoding, bytesMax: bytesMax)
    return nil
  } catch {
    return error as? DecompressionError
  }
}
