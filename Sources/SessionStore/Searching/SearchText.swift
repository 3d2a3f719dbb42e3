import CSQLite
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
    var text: [UInt8] = []
    let isFound =
      sought.isEmpty
      || (1..<Int(count)).contains { number in
        text.removeAll(keepingCapacity: true)
        appendFolded(bytes(arguments[number]), to: &text)
        return text.withUnsafeBufferPointer { SoughtText.find(sought, in: $0, from: 0) } != nil
      }
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
      bytes.append(contentsOf: text.lazy.map(lowerCased))
    }
  }

  private static func lowerCased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  private static func bytes(_ value: OpaquePointer?) -> UnsafeBufferPointer<UInt8> {
    guard let start = sqlite3_value_text(value) else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
  }
}
