extension UnsafeRawBufferPointer {
  /// Whether these are the bytes of `other`, in a time that tells their number, but nothing of where they differ.
  @inlinable
  public func isEqualInConstantTime(to other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count, let other = other.baseAddress else { return count == other.count }
    return isEqualInConstantTime(toBytesAt: other)
  }

  /// The same for as many bytes as these are, from `other` on.
  @inlinable @inline(__always)
  public func isEqualInConstantTime(toBytesAt other: UnsafeRawPointer) -> Bool {
    guard let one = baseAddress else { return true }
    var difference: UInt64 = 0
    var offset = 0
    let words = count & ~7
    while offset < words {
      difference |= (one + offset).loadUnaligned(as: UInt64.self) ^ (other + offset).loadUnaligned(as: UInt64.self)
      offset &+= 8
    }
    if count & 4 != 0 {
      difference |= UInt64(
        (one + offset).loadUnaligned(as: UInt32.self) ^ (other + offset).loadUnaligned(as: UInt32.self))
      offset &+= 4
    }
    if count & 2 != 0 {
      difference |= UInt64(
        (one + offset).loadUnaligned(as: UInt16.self) ^ (other + offset).loadUnaligned(as: UInt16.self))
      offset &+= 2
    }
    if count & 1 != 0 {
      difference |= UInt64((one + offset).load(as: UInt8.self) ^ (other + offset).load(as: UInt8.self))
    }
    return difference == 0
  }
}
