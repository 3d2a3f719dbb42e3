import CZlib
import Glibc

/// Why compressed bytes are not a message.
public enum DecompressionError: Error, Equatable {
  /// The message is longer than the limit.
  case tooLarge(max: Int)
  /// The bytes end before their compressed stream does.
  case truncated(MessageEncoding)
  /// The bytes are of another format, damaged, or differ from their checksum; in zlib's words.
  case corrupt(MessageEncoding, String)
  /// Bytes come after the end of the compressed stream: one stream is one message. gzip's further members, which no
  /// gRPC library writes, are such bytes too.
  case trailingBytes(MessageEncoding, Int)
  /// There is no memory for it.
  case outOfMemory
}

extension DecompressionError {
  /// The status that the peer gets (grpc/doc/statuscodes.md).
  public var rpcError: RPCError {
    switch self {
    case .tooLarge(let max):
      RPCError(.resourceExhausted, "the decompressed message has more than the \(max) bytes that are accepted")
    case .truncated(let encoding):
      RPCError(.internal, "the compressed message ends early; expected one whole \(encoding) stream")
    case .corrupt(let encoding, let reason):
      RPCError(.internal, "the compressed message is damaged: \(reason); expected one \(encoding) stream")
    case .trailingBytes(let encoding, let count):
      RPCError(.internal, "\(count) bytes follow the compressed message; expected one \(encoding) stream")
    case .outOfMemory: RPCError(.resourceExhausted, "no memory to decompress the message")
    }
  }
}

extension MessageEncoding {
  /// Lends to `body` what `bytes`, one whole compressed message, decompress to.
  ///
  /// Takes memory as the message grows, up to `bytesMax` bytes and the 40 KiB of zlib's own, whatever the bytes say
  /// of their length; time is proportional to bytes in and out.
  /// - Throws: `DecompressionError`, or what `body` throws.
  public func withDecompressed<Result>(
    _ bytes: UnsafeRawBufferPointer, bytesMax: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    if self == .identity {
      guard bytes.count <= bytesMax else { throw DecompressionError.tooLarge(max: bytesMax) }
      return try body(bytes)
    }
    // Of text, a quarter is left. One byte more than the limit tells what is too long from what just fits.
    let capacityMax = min(max(bytesMax, 0), .max - 1) + 1
    var target = GrowingMemory(capacity: min(max(512, 4 * bytes.count), capacityMax), capacityMax: capacityMax)
    defer { target.free() }
    try inflate(bytes, into: &target)
    guard target.count <= bytesMax else { throw DecompressionError.tooLarge(max: bytesMax) }
    return try body(target.written)
  }

  private func inflate(_ bytes: UnsafeRawBufferPointer, into target: inout GrowingMemory) throws(DecompressionError) {
    // zlib remembers the stream's address.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, windowBits(15), ZLIB_VERSION, size) == Z_OK else { throw .outOfMemory }
    defer { inflateEnd(stream) }
    stream.pointee.setInput(bytes)
    while true {
      let room = target.room
      stream.pointee.setOutput(room)
      let offered = stream.pointee.avail_out
      let result = CZlib.inflate(stream, Z_FINISH)
      target.count += Int(offered - stream.pointee.avail_out)
      switch result {
      case Z_STREAM_END:
        let rest = Int(stream.pointee.avail_in)
        guard rest == 0 else { throw .trailingBytes(self, rest) }
        return
      case Z_OK, Z_BUF_ERROR:
        // With room left it is input that is missing.
        guard stream.pointee.avail_out == 0 else { throw .truncated(self) }
        guard target.count < target.capacityMax else { throw .tooLarge(max: target.capacityMax - 1) }
        guard target.grow() else { throw .outOfMemory }
      case Z_MEM_ERROR: throw .outOfMemory
      case Z_NEED_DICT: throw .corrupt(self, "it needs a dictionary")
      default: throw .corrupt(self, stream.pointee.msg.map { String(cString: $0) } ?? "error \(result)")
      }
    }
  }
}

/// Memory that doubles as it is written to, up to `capacityMax` bytes. Whoever makes it frees it.
private struct GrowingMemory {
  let capacityMax: Int
  var count = 0
  private var capacity: Int
  private var base: UnsafeMutableRawPointer?

  init(capacity: Int, capacityMax: Int) {
    self.capacityMax = capacityMax
    base = malloc(capacity)
    self.capacity = base == nil ? 0 : capacity
  }

  var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  var room: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base.map { $0 + count }, count: capacity - count)
  }

  /// Doubles the capacity; false where there is no memory.
  mutating func grow() -> Bool {
    guard capacity > 0 else { return false }
    let larger = min(capacity * 2, capacityMax)
    guard let moved = realloc(base, larger) else { return false }
    base = moved
    capacity = larger
    return true
  }

  func free() { Glibc.free(base) }
}
