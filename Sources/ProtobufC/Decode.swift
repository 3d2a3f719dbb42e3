import CProtobufC

extension ProtobufMessage {
  /// Decodes a message after checking that its bytes are one and keep the limits. Unknown fields are dropped.
  ///
  /// `bytes` need to live only as long as the call.
  @inlinable
  public init(decoding bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits()) throws(DecodeError) {
    // Only this function is generic, so that it is specialized for each message and costs no look-up of metadata.
    let descriptor = Self.descriptor
    try checkBounds(bytes, descriptor, limits)
    let message: Self? = withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { stack in
      var arena = Arena.forDecoding(lending: stack, limits)
      let raw = unpack(bytes, descriptor, in: &arena)
      let message = raw.map { Self(copying: $0.assumingMemoryBound(to: CMessage.self)) }
      // The C message is in the arena.
      extendLifetime(arena)
      return message
    }
    guard let message else { throw unpackFailure(descriptor, limits) }
    self = message
  }
}

@usableFromInline
func checkBounds(
  _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ limits: DecodeLimits
) throws(DecodeError) {
  var check = BoundsCheck(limits: limits)
  try check.check(bytes, as: descriptor)
}

/// The C message of `bytes`, which passed the bounds check; nil where the arena has no room for it.
@usableFromInline
func unpack(
  _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, in arena: inout Arena
) -> UnsafeRawPointer? {
  withUnsafeMutablePointer(to: &arena) { arena in
    var allocator = ProtobufCAllocator(
      alloc: { data, size in data?.assumingMemoryBound(to: Arena.self).pointee.allocate(size) },
      free: { _, _ in },
      allocator_data: UnsafeMutableRawPointer(arena))
    let message = protobuf_c_message_unpack(
      descriptor, &allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    return UnsafeRawPointer(message)
  }
}

// The check has passed, so that only memory can be missing.
@usableFromInline
func unpackFailure(
  _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ limits: DecodeLimits
) -> DecodeError {
  var error = DecodeError(.tooLarge(bytesMax: limits.memoryBytesMax))
  error.message = String(cString: descriptor.pointee.name)
  return error
}

extension Arena {
  /// An arena for unpacking. The bounds check counts what unpack takes; the arena's own bound stands behind it,
  /// with room for rounding.
  @usableFromInline
  static func forDecoding(lending stack: UnsafeMutableRawBufferPointer, _ limits: DecodeLimits) -> Arena {
    let (bytesMax, isHuge) = limits.memoryBytesMax.addingReportingOverflow(limits.memoryBytesMax / 2)
    return Arena(lending: stack, bytesMax: isHuge ? .max : bytesMax)
  }
}
