/// How the messages of one direction of a call may be compressed (grpc/doc/compression.md). The raw values are the
/// names on the wire, which are compared byte by byte.
public enum MessageEncoding: String, Sendable, CaseIterable {
  /// Not at all.
  case identity
  /// One member of gzip (RFC 1952).
  case gzip
  /// The zlib format (RFC 1950), whose name in HTTP is "deflate" (RFC 9110 section 8.4.1.2).
  case deflate

  /// The encoding that a `grpc-encoding` header names; nil for one that is not supported.
  public init?(_ name: UnsafeRawBufferPointer) {
    guard let encoding = Self.allCases.first(where: { name.elementsEqual($0.rawValue.utf8) }) else { return nil }
    self = encoding
  }

  /// The value of `grpc-accept-encoding` that names all of them.
  public static let accepted = allCases.map(\.rawValue).joined(separator: ",")

  /// The best of the encodings in the value of a `grpc-accept-encoding` header, names in any order between commas
  /// and spaces: gzip before deflate, which some peers take for a stream without zlib's frame; identity where there is
  /// neither.
  public static func best(acceptedBy list: UnsafeRawBufferPointer) -> MessageEncoding {
    var best = identity
    var start = 0
    while start < list.count {
      var end = start
      while end < list.count, !isSeparator(list[end]) { end += 1 }
      switch MessageEncoding(UnsafeRawBufferPointer(rebasing: list[start..<end])) {
      case .gzip: return .gzip
      case .deflate: best = .deflate
      case .identity, nil: break
      }
      start = end + 1
    }
    return best
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  // What zlib calls "windowBits": the window's size as a power of two, and the format.
  func windowBits(_ bits: Int32) -> Int32 { self == .gzip ? bits + 16 : bits }
}
