import CSQLite
import Glibc
import SessionDomain

/// Substrings in any case.
///
/// Texts are lower-cased before they are compared: ASCII byte by byte, anything else by Unicode's full mapping of each
/// character. Letters with accents stay what they are, and texts are not normalized.
enum SearchText {
  static let functionName = "matches_text"

  /// `matches_text(folded, a, b, c)`: whether one of the texts contains the folded text.
  static let function: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
    context, count, arguments in
    guard let arguments, count > 0 else { return }
    let sought = bytes(arguments[0])
    let isFound = (1..<Int(count)).contains { contains(bytes(arguments[$0]), sought) }
    sqlite3_result_int(context, isFound ? 1 : 0)
  }

  /// The text as it is compared.
  static func folded(_ text: String) -> String {
    text.lowercased()
  }

  /// Appends the text as it is compared.
  static func appendFolded(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    if text.contains(where: { $0 >= 0x80 }) {
      bytes += folded(String(decoding: text, as: UTF8.self)).utf8
    } else {
      for byte in text { bytes.append(lowerCased(byte)) }
    }
  }

  private static func lowerCased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  private static func bytes(_ value: OpaquePointer?) -> UnsafeRawBufferPointer {
    guard let start = sqlite3_value_text(value) else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
  }

  private static func contains(_ text: UnsafeRawBufferPointer, _ sought: UnsafeRawBufferPointer) -> Bool {
    if text.contains(where: { $0 >= 0x80 }) {
      var lowered = folded(String(decoding: text, as: UTF8.self))
      return lowered.withUTF8 { find(sought, in: UnsafeRawBufferPointer($0)) }
    }
    return withUnsafeTemporaryAllocation(byteCount: text.count, alignment: 1) { buffer in
      for index in 0..<text.count {
        buffer[index] = lowerCased(text[index])
      }
      return find(sought, in: UnsafeRawBufferPointer(buffer))
    }
  }

  private static func find(_ sought: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer) -> Bool {
    guard let soughtStart = sought.baseAddress, let first = sought.first else { return true }
    guard let start = text.baseAddress, text.count >= sought.count else { return false }
    var offset = 0
    while offset <= text.count - sought.count {
      let starts = text.count - sought.count - offset + 1
      guard let candidate = memchr(start + offset, Int32(first), starts) else { return false }
      if memcmp(candidate, soughtStart, sought.count) == 0 { return true }
      offset = UnsafeRawPointer(candidate) - start + 1
    }
    return false
  }
}
