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
    (self, memoryBytes) = try Self.lending(bytes, limits: limits, refusal: { $0 }) { (lent) throws(DecodeError) in
      (lent.copy(), lent.memoryBytes)
    }
  }

  /// Decodes as above, and lends the C message to `body` instead of copying it. What cannot be decoded is refused as
  /// `refusal` says.
  @inlinable
  public static func lending<Output, Failure: Error>(
    _ bytes: UnsafeRawBufferPointer, limits: DecodeLimits, refusal: (DecodeError) -> Failure,
    _ body: (LentMessage<Self>) throws(Failure) -> Output
  ) throws(Failure) -> Output {
    // As little as can be is generic, so that it is specialized for each message and looks up no metadata.
    let descriptor = Self.descriptor
    var memoryBytes = 0
    var joined: [UInt8]?
    do throws(DecodeError) {
      if try checkBounds(bytes, descriptor, limits, &memoryBytes) {
        joined = try joinSubmessages(bytes, descriptor, limits)
      }
    } catch {
      throw refusal(error)
    }
    let output: Output? =
      if let joined {
        try joined.withUnsafeBufferPointer { (bytes) throws(Failure) in
          try Self.unpacking(UnsafeRawBufferPointer(bytes), limits, memoryBytes, body)
        }
      } else {
        try Self.unpacking(bytes, limits, memoryBytes, body)
      }
    guard let output else { throw refusal(unpackFailure(descriptor, limits)) }
    return output
  }

  @inlinable
  static func unpacking<Output, Failure: Error>(
    _ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits, _ memoryBytes: Int,
    _ body: (LentMessage<Self>) throws(Failure) -> Output
  ) throws(Failure) -> Output? {
    // More than 1024 bytes would come from malloc.
    try withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { (stack) throws(Failure) -> Output? in
      var arena = Arena.forDecoding(lending: stack, limits)
      // The C message is in the arena.
      defer { extendLifetime(arena) }
      guard let raw = unpack(bytes, descriptor, in: &arena) else { return nil }
      return try body(
        LentMessage(c: UnsafePointer(raw.assumingMemoryBound(to: CMessage.self)), memoryBytes: memoryBytes))
    }
  }
}

/// A message as protobuf-c decoded it, for whom it was lent to, and no longer: what needs little of it reads that where
/// it lies, and makes no strings and arrays of the rest.
public struct LentMessage<Message: ProtobufMessage> {
  /// The C message. Its pointers are null, or lead to what was checked.
  public let c: UnsafePointer<Message.CMessage>
  /// How much memory it takes; a copy takes about as much.
  public let memoryBytes: Int

  @inlinable
  init(c: UnsafePointer<Message.CMessage>, memoryBytes: Int) {
    self.c = c
    self.memoryBytes = memoryBytes
  }

  /// The message itself, to keep.
  @inlinable
  public func copy() -> Message { Message(copying: c) }
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
