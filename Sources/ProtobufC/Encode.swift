import CProtobufC

/// Why a message cannot be encoded.
public enum EncodeError: Error, Equatable {
  /// A string holds U+0000, which a C string would cut short.
  case containsNUL(message: String)
  /// The message is larger than `bytesMax`.
  case tooLarge(bytesMax: Int)
}

extension ProtobufMessage {
  /// Packs the message after `prefixBytes` bytes of room for the caller, in one allocation.
  ///
  /// `make` gets the whole size, prefix included, and a function that writes the packed message to the address
  /// it is given, which must have room for the size without the prefix.
  @inlinable
  public func encode<Storage>(
    _ make: (_ bytes: Int, _ write: (UnsafeMutableRawPointer) -> Void) throws -> Storage
  ) throws -> Storage {
    try withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { stack in
      var arena = Arena.forEncoding(lending: stack)
      return try withUnsafeTemporaryAllocation(of: CMessage.self, capacity: 1) { c in
        let message = c.baseAddress.unsafelyUnwrapped
        fill(message, in: &arena)
        if arena.sawNUL { throw EncodeError.containsNUL(message: Self.fullName) }
        let raw = UnsafeRawPointer(message)
        return try make(packedSize(raw)) { packInto($0, raw) }
      }
    }
  }

  /// The encoded message.
  @inlinable
  public func encoded() throws -> [UInt8] {
    try encode { bytes, write in
      [UInt8](unsafeUninitializedCapacity: bytes) { buffer, count in
        if let base = buffer.baseAddress { write(UnsafeMutableRawPointer(base)) }
        count = bytes
      }
    }
  }
}

@usableFromInline
func packedSize(_ message: UnsafeRawPointer) -> Int {
  protobuf_c_message_get_packed_size(message.assumingMemoryBound(to: ProtobufCMessage.self))
}

@usableFromInline
func packInto(_ target: UnsafeMutableRawPointer, _ message: UnsafeRawPointer) {
  protobuf_c_message_pack(
    message.assumingMemoryBound(to: ProtobufCMessage.self), target.assumingMemoryBound(to: UInt8.self))
}
