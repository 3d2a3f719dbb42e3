/// The name of a session: a UUID of 128 bits, version 7 (RFC 9562 section 5.7) when this server chose it.
///
/// Ids compare as their bytes do, and as their text does; ids of version 7 therefore sort by age.
public struct SessionID: Hashable, Comparable, Sendable {
  /// The first eight bytes, most significant first.
  public let high: UInt64
  /// The last eight bytes, most significant first.
  public let low: UInt64

  /// Makes an id of its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads the canonical form, 8-4-4-4-12 hexadecimal digits in any case; nil for anything else.
  public init?(_ text: String) {
    var text = text
    guard let id = text.withUTF8({ SessionID(utf8: $0) }) else { return nil }
    self = id
  }

  /// Reads the bytes of the canonical form; nil for anything else.
  public init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    guard let id = Self.parse(bytes) else { return nil }
    self = id
  }

  /// Hashes the bytes of which most are random.
  public func hash(into hasher: inout Hasher) { hasher.combine(high ^ low) }

  /// Orders ids by their bytes.
  public static func < (left: Self, right: Self) -> Bool {
    left.high == right.high ? left.low < right.low : left.high < right.high
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> SessionID? {
    let hyphen = UInt8(ascii: "-")
    guard bytes.count == textBytes, bytes[8] == hyphen, bytes[13] == hyphen, bytes[18] == hyphen, bytes[23] == hyphen
    else { return nil }
    let text = UnsafeRawBufferPointer(bytes)
    func four(_ offset: Int) -> UInt64 {
      UInt64(UInt32(bigEndian: text.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    func eight(_ offset: Int) -> UInt64 {
      UInt64(bigEndian: text.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard let first = valueOfEightHexDigits(eight(0)), let second = valueOfEightHexDigits(four(9) << 32 | four(14)),
      let third = valueOfEightHexDigits(four(19) << 32 | four(24)), let fourth = valueOfEightHexDigits(eight(28))
    else { return nil }
    return SessionID(high: first << 32 | second, low: third << 32 | fourth)
  }

  private static let textBytes = 36
}

extension SessionID: CustomStringConvertible, LosslessStringConvertible {
  /// The canonical form in lower case, 36 characters.
  public var description: String {
    String(unsafeUninitializedCapacity: Self.textBytes) { buffer in
      write(to: UnsafeMutableRawBufferPointer(buffer))
      return Self.textBytes
    }
  }

  /// Lends the bytes of the canonical form in lower case, which are nowhere else: a text of its own would cost more
  /// than most of what is done with it.
  public func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(byteCount: Self.textBytes, alignment: 1) { buffer in
      write(to: buffer)
      return body(UnsafeBufferPointer(buffer.bindMemory(to: UInt8.self)))
    }
  }

  private func write(to buffer: UnsafeMutableRawBufferPointer) {
    let second = textOfEightHexDigits(UInt32(truncatingIfNeeded: high))
    let third = textOfEightHexDigits(UInt32(truncatingIfNeeded: low >> 32))
    func four(_ text: UInt64, _ offset: Int) {
      buffer[offset - 1] = UInt8(ascii: "-")
      buffer.storeBytes(of: UInt32(truncatingIfNeeded: text).bigEndian, toByteOffset: offset, as: UInt32.self)
    }
    func eight(_ half: UInt64, _ offset: Int) {
      let text = textOfEightHexDigits(UInt32(truncatingIfNeeded: half))
      buffer.storeBytes(of: text.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
    eight(high >> 32, 0)
    four(second >> 32, 9)
    four(second, 14)
    four(third >> 32, 19)
    four(third, 24)
    eight(low, 28)
  }
}

/// Eight hexadecimal digits in lower case, the first in the highest byte: all at once, as they are read below.
private func textOfEightHexDigits(_ value: UInt32) -> UInt64 {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let value = UInt64(value)
  let fours = (value | value << 16) & 0x0000_FFFF_0000_FFFF
  let pairs = (fours | fours << 8) & 0x00FF_00FF_00FF_00FF
  let digits = (pairs | pairs << 4) & (ones &* 0x0F)
  let letters = ((digits &+ ones &* 6) >> 4) & ones
  return digits &+ ones &* UInt64(UInt8(ascii: "0")) &+ letters &* 39
}

/// The value of eight hexadecimal digits in any case, the first in the highest byte: all at once, since every call
/// that names a session reads 32 of them.
private func valueOfEightHexDigits(_ text: UInt64) -> UInt64? {
  let ones: UInt64 = 0x0101_0101_0101_0101
  // What each byte would stand for if it were a digit: letters have the bit of 0x40.
  let digits = (text & (ones &* 0x0F)) &+ ((text >> 6) & ones) &* 9
  let letters = ((digits &+ ones &* 6) >> 4) & ones
  // It is one if that value is written like that, but for a letter's case.
  let expected = digits &+ ones &* UInt64(UInt8(ascii: "0")) &+ letters &* 39
  guard digits & (ones &* 0xF0) == 0, (text ^ expected) & ~(letters << 5) == 0 else { return nil }
  let pairs = (digits | digits >> 4) & 0x00FF_00FF_00FF_00FF
  let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF
  return (fours | fours >> 16) & 0xFFFF_FFFF
}

func hexDigitValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
