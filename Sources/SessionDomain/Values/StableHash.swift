/// The FNV-1a hash of 64 bits: the same for the same bytes in every run and on every machine.
///
/// It finds damage and mistakes; it is no protection against somebody who wants a collision.
public struct StableHash: Sendable {
  /// The hash of what was combined so far.
  public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Makes the hash of nothing.
  public init() {}

  /// Adds bytes.
  public mutating func combine(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  /// Adds an integer as eight bytes.
  public mutating func combine(_ integer: some BinaryInteger) {
    withUnsafeBytes(of: UInt64(truncatingIfNeeded: integer).littleEndian) { combine($0) }
  }

  /// Adds a text with its length, so that texts in a row cannot be confused.
  public mutating func combine(_ text: String) {
    combine(text.utf8.count)
    combine(text.utf8)
  }
}
