import Glibc
import SessionDomain

/// A folded text that is looked for in many others, which lie one after another.
///
/// Compares the first byte and the last at 32 places at once, and all of them only where both are right.
struct SoughtText {
  private typealias Lanes = SIMD4<UInt64>

  private static let ones = Lanes(repeating: 0x0101_0101_0101_0101)
  private static let highBits = Lanes(repeating: 0x8080_8080_8080_8080)

  /// At least one.
  private let bytes: [UInt8]
  /// The types whose names have it.
  let types: Set<SessionType>
  /// Whether it has nothing but what ids are made of.
  let canBeInID: Bool

  /// Nil for the empty text, which is in every other.
  init?(_ folded: String) {
    guard !folded.isEmpty else { return nil }
    bytes = Array(folded.utf8)
    types = Set(
      SessionType.allCases.filter { type in
        type.description.utf8.count >= folded.utf8.count && type.description.contains(folded)
      })
    canBeInID = folded.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
  }

  /// The first place of the text at or after `start`; nil when there is none.
  func find(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    bytes.withUnsafeBufferPointer { Self.find($0, in: text, from: start) }
  }

  /// The first place of a text, of at least one byte, in another one at or after `start`; nil when there is none.
  static func find(
    _ sought: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    let end = text.count - sought.count
    guard let base = text.baseAddress, let soughtBase = sought.baseAddress, start <= end else { return nil }
    let raw = UnsafeRawPointer(base)
    let distance = sought.count - 1
    let first = Lanes(repeating: ones[0] &* UInt64(sought[0]))
    let last = Lanes(repeating: ones[0] &* UInt64(sought[distance]))
    var place = start
    while place + distance + MemoryLayout<Lanes>.size <= text.count {
      // A byte is zero where both are right.
      let difference =
        (raw.loadUnaligned(fromByteOffset: place, as: Lanes.self) ^ first)
        | (raw.loadUnaligned(fromByteOffset: place + distance, as: Lanes.self) ^ last)
      // The high bit of the lowest zero byte of each lane is set, and may be of higher ones that are not zero.
      let hits = (difference &- ones) & ~difference & highBits
      if hits[0] | hits[1] | hits[2] | hits[3] != 0 {
        for lane in 0..<Lanes.scalarCount {
          var bits = UInt64(littleEndian: hits[lane])
          while bits != 0 {
            let candidate = place + 8 * lane + bits.trailingZeroBitCount / 8
            if memcmp(base + candidate, soughtBase, sought.count) == 0 { return candidate }
            bits &= bits - 1
          }
        }
      }
      place += MemoryLayout<Lanes>.size
    }
    while place <= end {
      if base[place] == sought[0], memcmp(base + place, soughtBase, sought.count) == 0 { return place }
      place += 1
    }
    return nil
  }
}
