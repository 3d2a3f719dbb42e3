/// Cuts the bytes of a stream into messages (grpc/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
///
/// A message that lies within one piece of input is lent where it is; others are gathered first. At most
/// `messageBytesMax` bytes are held. Compressed messages are lent decompressed, out of at most as many bytes again:
/// whoever keeps messages counts what was lent, which may be a thousand times what came in.
public struct MessageDeframer {
  /// What is wrong with a stream of messages.
  public enum Failure: Error, Equatable {
    /// A message is longer than the limit.
    case tooLarge(bytes: Int, max: Int)
    /// The flag says compressed, and no compression was agreed.
    case compressed
    /// A flag that is neither 0 nor 1.
    case badFlag(UInt8)
    /// A compressed message that cannot be decompressed.
    case decompression(DecompressionError)
  }

  /// What messages with the flag for compressed are compressed with: the stream's `grpc-encoding`.
  public var encoding = MessageEncoding.identity
  /// False lends compressed messages as they came in.
  public var decompresses = true

  private let messageBytesMax: Int
  private var partial: [UInt8] = []
  // Prefix and payload of the message in `partial`, once the prefix is there.
  private var wanted: Int?

  /// A deframer at the start of a stream.
  public init(messageBytesMax: Int) { self.messageBytesMax = messageBytesMax }

  /// True between messages: a stream may end here.
  public var isAtBoundary: Bool { partial.isEmpty }

  /// Bytes of a message that is not complete.
  public var heldBytes: Int { partial.count }

  /// Takes the next bytes of the stream and lends each message that is complete, with whether it was compressed.
  /// - Throws: `Failure`, or what `message` throws.
  public mutating func receive(
    _ bytes: UnsafeRawBufferPointer, message: (_ bytes: UnsafeRawBufferPointer, _ wasCompressed: Bool) throws -> Void
  ) throws {
    var rest = UnsafeRawBufferPointer(rebasing: bytes[...])
    while !rest.isEmpty {
      if partial.isEmpty, rest.count >= FramedMessage.prefixBytes {
        let length = try payloadBytes(UnsafeRawBufferPointer(rebasing: rest.prefix(FramedMessage.prefixBytes)))
        let whole = FramedMessage.prefixBytes + length
        if rest.count >= whole {
          try lend(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)), message)
          rest = UnsafeRawBufferPointer(rebasing: rest[whole...])
          continue
        }
        wanted = whole
      }
      try gather(&rest, message)
    }
  }

  private mutating func gather(
    _ rest: inout UnsafeRawBufferPointer, _ message: (UnsafeRawBufferPointer, Bool) throws -> Void
  ) throws {
    let target = wanted ?? FramedMessage.prefixBytes
    let taken = min(rest.count, target - partial.count)
    partial.append(contentsOf: rest.prefix(taken))
    rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
    guard partial.count == target else { return }
    if wanted == nil {
      let whole = try partial.withUnsafeBytes { FramedMessage.prefixBytes + (try payloadBytes($0)) }
      wanted = whole
      guard whole == target else { return }
    }
    wanted = nil
    let whole = partial
    partial = []
    try whole.withUnsafeBytes { try lend($0, message) }
  }

  private func lend(
    _ whole: UnsafeRawBufferPointer, _ message: (UnsafeRawBufferPointer, Bool) throws -> Void
  ) throws {
    let payload = UnsafeRawBufferPointer(rebasing: whole[FramedMessage.prefixBytes...])
    guard whole[0] == 1, decompresses else { return try message(payload, whole[0] == 1) }
    do {
      try encoding.withDecompressed(payload, bytesMax: messageBytesMax) { try message($0, true) }
    } catch let error as DecompressionError {
      throw Failure.decompression(error)
    }
  }

  private func payloadBytes(_ prefix: UnsafeRawBufferPointer) throws -> Int {
    switch prefix[0] {
    case 0: break
    case 1 where encoding != .identity: break
    case 1: throw Failure.compressed
    default: throw Failure.badFlag(prefix[0])
    }
    let length = Int(UInt32(bigEndian: prefix.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    guard length <= messageBytesMax else { throw Failure.tooLarge(bytes: length, max: messageBytesMax) }
    return length
  }
}

extension MessageDeframer.Failure {
  /// The status that the peer gets (grpc/doc/statuscodes.md).
  public var rpcError: RPCError {
    switch self {
    case .tooLarge(let bytes, let max):
      RPCError(.resourceExhausted, "the message has \(bytes) bytes; at most \(max) are accepted")
    case .compressed: RPCError(.internal, "the message is compressed, but no grpc-encoding was given")
    case .decompression(let error): error.rpcError
    case .badFlag(let flag): RPCError(.internal, "the message's flag is \(flag); expected 0 or 1")
    }
  }
}
