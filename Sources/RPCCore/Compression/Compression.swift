import CZlib

extension FramedMessage {
  // Below this, what the formats add is most of what they save.
  private static let worthwhileBytes = 64

  /// The frame of the same message, compressed; this frame itself where that is not smaller, which receivers always
  /// take.
  ///
  /// Nothing is kept between messages. The memory of one call is sized by the message, from 10 KiB to 262 KiB, so that
  /// small messages cost little more than with a compressor kept for them. Level 1: an event loop waits for it.
  public func compressed(_ encoding: MessageEncoding) -> FramedMessage {
    let payloadBytes = count - Self.prefixBytes
    guard encoding != .identity, !isCompressed, payloadBytes >= Self.worthwhileBytes else { return self }
    return withUnsafeTemporaryAllocation(byteCount: payloadBytes - 1, alignment: 1) { target in
      guard let count = withPayload({ deflate($0, encoding, into: target) }) else { return self }
      return FramedMessage(payloadBytes: count, isCompressed: true) {
        UnsafeMutableRawBufferPointer(start: $0, count: count).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: target.prefix(count)))
      }
    }
  }
}

/// Compresses `bytes` and returns how many bytes that made; nil where `target` has no room for them, or zlib no memory.
private func deflate(
  _ bytes: UnsafeRawBufferPointer, _ encoding: MessageEncoding, into target: UnsafeMutableRawBufferPointer
) -> Int? {
  // zlib remembers the stream's address.
  let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  stream.initialize(to: z_stream())
  defer { stream.deallocate() }
  let bits = windowBits(holding: bytes.count)
  let size = Int32(MemoryLayout<z_stream>.size)
  let began = deflateInit2_(
    stream, Z_BEST_SPEED, Z_DEFLATED, encoding.windowBits(bits), min(bits - 7, 8), Z_DEFAULT_STRATEGY, ZLIB_VERSION,
    size)
  guard began == Z_OK else { return nil }
  defer { deflateEnd(stream) }
  stream.pointee.setInput(bytes)
  stream.pointee.setOutput(target)
  guard CZlib.deflate(stream, Z_FINISH) == Z_STREAM_END else { return nil }
  return target.count - Int(stream.pointee.avail_out)
}

/// The smallest window that holds a whole message, as a power of two, among those that zlib has.
private func windowBits(holding count: Int) -> Int32 {
  Int32(min(max(9, Int.bitWidth - (count - 1).leadingZeroBitCount), 15))
}

extension z_stream {
  /// Reads from `bytes`, of which there are less than 4 GiB.
  mutating func setInput(_ bytes: UnsafeRawBufferPointer) {
    // zlib does not write to its input; its header does not say so by default.
    next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    avail_in = UInt32(clamping: bytes.count)
  }

  /// Writes to `memory`, to its first 4 GiB.
  mutating func setOutput(_ memory: UnsafeMutableRawBufferPointer) {
    next_out = memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
    avail_out = UInt32(clamping: memory.count)
  }
}
