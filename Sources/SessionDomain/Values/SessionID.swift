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

  /// Orders ids by their bytes.
  public static func < (left: Self, right: Self) -> Bool {
    left.high == right.high ? left.low < right.low : left.high < right.high
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> SessionID? {
    let hyphen = UInt8(ascii: "-")
    guard bytes.count == textBytes, bytes[8] == hyphen, bytes[13] == hyphen, bytes[18] == hyphen, bytes[23] == hyphen
    else { return nil }
    var (high, low): (UInt64, UInt64) = (0, 0)
    guard read(bytes, 0..<8, into: &high), read(bytes, 9..<13, into: &high), read(bytes, 14..<18, into: &high),
      read(bytes, 19..<23, into: &low), read(bytes, 24..<36, into: &low)
    else { return nil }
    return SessionID(high: high, low: low)
  }

  private static func read(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into value: inout UInt64
  ) -> Bool {
    for index in range {
      guard let digit = hexDigitValue(bytes[index]) else { return false }
      value = value << 4 | UInt64(digit)
    }
    return true
  }

  private static let textBytes = 36

  private static func isHyphen(_ index: Int) -> Bool {
    index == 8 || index == 13 || index == 18 || index == 23
  }
}

extension SessionID: CustomStringConvertible, LosslessStringConvertible {
  /// The canonical form in lower case, 36 characters.
  public var description: String {
    String(unsafeUninitializedCapacity: Self.textBytes) { buffer in
      var digits = 0
      for index in 0..<Self.textBytes {
        if Self.isHyphen(index) {
          buffer[index] = UInt8(ascii: "-")
          continue
        }
        let half = digits < 16 ? high : low
        buffer[index] = hexDigit(UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (digits & 15))) & 15)
        digits += 1
      }
      return Self.textBytes
    }
  }
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
