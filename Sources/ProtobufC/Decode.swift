import CProtobufC

extension ProtobufMessage {
  /// Decodes a message after checking that its bytes are one and keep the limits. Unknown fields are dropped.
  ///
  /// `bytes` need to live only as long as the call.
  @inlinable
  public init(decoding bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits()) throws(DecodeError) {
    self = try withUnpacked(bytes, as: Self.descriptor, limits: limits) { raw in
      Self(copying: raw.assumingMemoryBound(to: CMessage.self))
    }
  }
}

/// Checks and unpacks `bytes`, and lends the C message to `read`.
@usableFromInline
func withUnpacked<Value>(
  _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>, limits: DecodeLimits,
  _ read: (UnsafeRawPointer) -> Value
) throws(DecodeError) -> Value {
  var check = BoundsCheck(limits: limits)
  try check.check(bytes, as: descriptor)
  let result: Result<Value, DecodeError> = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { stack in
    // The check counts what unpack takes; the arena's own bound stands behind it, with room for rounding.
    var arena = Arena(lending: stack, bytesMax: limits.memoryBytesMax + limits.memoryBytesMax / 2)
    return withUnsafeMutablePointer(to: &arena) { arena in
      var allocator = ProtobufCAllocator(
        alloc: { data, size in data?.assumingMemoryBound(to: Arena.self).pointee.allocate(size) },
        free: { _, _ in },
        allocator_data: UnsafeMutableRawPointer(arena))
      guard
        let message = protobuf_c_message_unpack(
          descriptor, &allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
      else {
        let kind: DecodeError.Kind =
          arena.pointee.isExhausted ? .tooLarge(bytesMax: limits.memoryBytesMax) : .malformed
        return .failure(DecodeError(kind))
      }
      return .success(read(UnsafeRawPointer(message)))
    }
  }
  return try result.get()
}
