import CProtobufC

extension ProtobufMessage {
  /// Decodes a message after checking that its bytes are one and keep the limits. Unknown fields are dropped.
  ///
  /// `bytes` need to live only as long as the call.
  @inlinable
  public init(decoding bytes: UnsafeRawBufferPointer, limits: DecodeLimits = DecodeLimits()) throws(DecodeError) {
    var memoryBytes = 0
    try self.init(decoding: bytes, limits: limits, memoryBytes: &memoryBytes)
  }

  /// Decodes as above, and tells by `memoryBytes` how much memory the C message took; this one takes about as much.
  @inlinable
  public init(
    decoding bytes: UnsafeRawBufferPointer, limits: DecodeLimits, memoryBytes: inout Int
  ) throws(DecodeError) {
    // Only these two functions are generic, so that they are specialized for each message and look up no metadata.
    let descriptor = Self.descriptor
    let message: Self?
    if try checkBounds(bytes, descriptor, limits, &memoryBytes) {
      let joined = try joinSubmessages(bytes, descriptor, limits)
      message = joined.withUnsafeBytes { Self.unpacking($0, limits) }
    } else {
      message = Self.unpacking(bytes, limits)
    }
    guard let message else { throw unpackFailure(descriptor, limits) }
    self = message
  }

  @inlinable
  static func unpacking(_ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits) -> Self? {
    // More than 1024 bytes would come from malloc.
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { stack in
      var arena = Arena.forDecoding(lending: stack, limits)
      let raw = unpack(bytes, descriptor, in: &arena)
      let message = raw.map { Self(copying: $0.assumingMemoryBound(to: CMessage.self)) }
      // The C message is in the arena.
      extendLifetime(arena)
      return message
    }
  }
}

/// Whether submessages may come in parts, in bytes that are a message and keep the limits; and the memory it takes.
@usableFromInline
func checkBounds(
  _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ limits: DecodeLimits,
  _ memoryBytes: inout Int
) throws(DecodeError) -> Bool {
  var check = BoundsCheck(limits: limits)
  try check.check(bytes, as: descriptor)
  memoryBytes = check.memoryBytes
  return check.sawParts
}

@usableFromInline
func joinSubmessages(
  _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ limits: DecodeLimits
) throws(DecodeError) -> [UInt8] {
  do {
    return try SubmessageJoiner(mergesMax: limits.mergesMax).join(bytes, as: descriptor)
  } catch {
    var named = error
    named.message = String(cString: descriptor.pointee.name)
    throw named
  }
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
