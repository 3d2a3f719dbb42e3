/// Finds the frames in what a client sends, by their lengths alone (RFC 9113 section 4.1). nghttp2 does not tell of
/// frames that it passes over, and a limit that some frames escape is none.
struct FrameScanner {
  private static let prefaceBytes = 24
  private static let headerBytes = 9

  // Of the preface, or of a payload.
  private var bytesToSkip = prefaceBytes
  // The beginning of a header, in the order of its bytes.
  private var header: (high: UInt64, count: Int) = (0, 0)

  /// The header of the next frame that begins in `rest`, of which everything up to there is taken; nil when all of
  /// it is taken and no header was complete.
  mutating func next(in rest: inout UnsafeRawBufferPointer) -> FrameHeader? {
    var offset = 0
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[offset...]) }
    let bytes = rest
    while offset < bytes.count {
      if bytesToSkip > 0 {
        let skipped = min(bytesToSkip, bytes.count - offset)
        offset += skipped
        bytesToSkip -= skipped
        continue
      }
      if header.count == 0, bytes.count - offset >= Self.headerBytes {
        let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let last = bytes[offset + Self.headerBytes - 1]
        offset += Self.headerBytes
        return complete(high, last)
      }
      // The first eight bytes are kept; with the ninth the header is complete.
      let byte = bytes[offset]
      offset += 1
      header.count += 1
      guard header.count == Self.headerBytes else {
        header.high = header.high << 8 | UInt64(byte)
        continue
      }
      let high = header.high
      header = (0, 0)
      return complete(high, byte)
    }
    return nil
  }

  private mutating func complete(_ high: UInt64, _ last: UInt8) -> FrameHeader {
    bytesToSkip = Int(high >> 40)
    let stream = UInt32(truncatingIfNeeded: high << 8 | UInt64(last)) & 0x7FFF_FFFF
    return FrameHeader(
      type: FrameType(rawValue: UInt8(truncatingIfNeeded: high >> 32)),
      flags: UInt8(truncatingIfNeeded: high >> 24), stream: Int32(bitPattern: stream), payloadBytes: bytesToSkip)
  }

  /// Whether the bytes so far end where a frame does.
  var isBetweenFrames: Bool { bytesToSkip == 0 && header.count == 0 }
}
