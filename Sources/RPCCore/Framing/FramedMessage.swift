public import ProtobufC

/// The bytes of one message as they go on the wire: a flag, four bytes of length, the packed message
/// (grpc/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). Immutable and shared: many streams may send it.
public struct FramedMessage: @unchecked Sendable {
  // Immutable once made, hence the unchecked conformance. One allocation holds count and bytes.
  private struct Header {
    let count: Int
    let wasCompressed: Bool
  }
  private final class Storage: ManagedBuffer<Header, UInt8> {}
  private let storage: ManagedBuffer<Header, UInt8>

  /// The bytes of flag and length before each message.
  public static let prefixBytes = 5

  /// A frame for `payloadBytes` bytes, a message or what one was compressed to, that `write` writes to the address it
  /// is given.
  public init(payloadBytes: Int, isCompressed: Bool = false, write: (UnsafeMutableRawPointer) -> Void) {
    self.init(payloadBytes: payloadBytes, isCompressed: isCompressed, wasCompressed: false, write: write)
  }

  /// A frame for a message that came in, decompressed if it was compressed.
  public init(copying message: UnsafeRawBufferPointer, wasCompressed: Bool) {
    self.init(payloadBytes: message.count, isCompressed: false, wasCompressed: wasCompressed) { target in
      if let base = message.baseAddress { target.copyMemory(from: base, byteCount: message.count) }
    }
  }

  private init(
    payloadBytes: Int, isCompressed: Bool, wasCompressed: Bool, write: (UnsafeMutableRawPointer) -> Void
  ) {
    let count = payloadBytes + Self.prefixBytes
    storage = Storage.create(minimumCapacity: count) { _ in Header(count: count, wasCompressed: wasCompressed) }
    storage.withUnsafeMutablePointerToElements { elements in
      let base = UnsafeMutableRawPointer(elements)
      base.storeBytes(of: isCompressed ? 1 : 0, as: UInt8.self)
      (base + 1).storeBytes(of: UInt32(truncatingIfNeeded: payloadBytes).bigEndian, as: UInt32.self)
      write(base + Self.prefixBytes)
    }
  }

  /// What keeps the bytes where they are.
  public var owner: AnyObject { storage }

  /// Gives up the frame for its `owner`.
  public consuming func takeOwner() -> AnyObject { storage }

  /// The size of the whole frame in bytes.
  public var count: Int { header.count }

  // Through the pointer: it never changes, and what reads it as a property has that checked.
  private var header: Header { storage.withUnsafeMutablePointerToHeader { $0.pointee } }

  /// The frame's bytes; valid while `owner` lives.
  public var bytes: UnsafeRawBufferPointer {
    storage.withUnsafeMutablePointers { header, elements in
      UnsafeRawBufferPointer(start: elements, count: header.pointee.count)
    }
  }

  /// True where the payload is compressed.
  public var isCompressed: Bool { withExtendedLifetime(storage) { bytes[0] == 1 } }

  /// True for a message that came in compressed, and was decompressed.
  public var wasCompressed: Bool { header.wasCompressed }

  /// Lends the bytes of the packed message, or what they were compressed to.
  public func withPayload<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(rebasing: bytes[Self.prefixBytes...])) }
  }
}

extension FramedMessage {
  /// Packs and frames `message`.
  /// - Throws: INTERNAL where the message cannot be encoded: a string with U+0000, or 4 GiB and more.
  @inlinable
  public static func framing<Message: ProtobufMessage>(_ message: Message) throws -> FramedMessage {
    do {
      return try message.encode { bytes, write in
        guard bytes <= UInt32.max else { throw EncodeError.tooLarge(bytesMax: Int(UInt32.max)) }
        return FramedMessage(payloadBytes: bytes, write: write)
      }
    } catch {
      throw RPCError(.internal, "the message cannot be encoded", cause: error)
    }
  }
}

/// A message in its encoded form: encoded once, sent any number of times.
public struct EncodedMessage<Message: ProtobufMessage>: Sendable {
  /// The bytes on the wire.
  public let frame: FramedMessage

  /// Encodes `message`.
  /// - Throws: INTERNAL where it cannot be encoded.
  @inlinable
  public init(_ message: Message) throws { frame = try .framing(message) }

  /// Takes a frame in which a `Message` is, encoded by other means.
  public init(_ frame: FramedMessage) { self.frame = frame }
}
