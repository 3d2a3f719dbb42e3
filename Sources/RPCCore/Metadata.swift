/// The key-value pairs that go with a call, in the order sent; a key may come more than once
/// (grpc/doc/PROTOCOL-HTTP2.md, "Custom-Metadata").
///
/// Keys are lower case. Values of keys that end in `-bin` are bytes, base64 on the wire; others are text of
/// printable ASCII.
public struct Metadata: Sendable, Hashable {
  /// One value.
  public enum Value: Sendable, Hashable {
    /// Printable ASCII.
    case text(String)
    /// Any bytes; the key ends in `-bin`.
    case binary([UInt8])
  }

  /// One pair.
  public struct Entry: Sendable, Hashable {
    /// In lower case.
    public let key: String
    /// The value.
    public let value: Value
  }

  /// All pairs in order.
  public private(set) var entries: [Entry] = []

  /// No pairs.
  public init() {}

  /// True without pairs.
  public var isEmpty: Bool { entries.isEmpty }

  /// Adds text under `key`. Returns false, and adds nothing, where the key is not one for text metadata (lower
  /// case letters, digits, `_`, `-`, `.`; neither reserved nor ending in `-bin`), the text is not printable ASCII, or a
  /// space is its first or last character.
  @discardableResult
  public mutating func add(_ key: String, _ text: String) -> Bool {
    guard Metadata.isUsable(key), !key.hasSuffix("-bin"), Metadata.isText(text) else { return false }
    entries.append(Entry(key: key, value: .text(text)))
    return true
  }

  /// Adds bytes under `key`, which must end in `-bin`. Returns false, and adds nothing, where it does not.
  @discardableResult
  public mutating func add(_ key: String, _ bytes: [UInt8]) -> Bool {
    guard Metadata.isUsable(key) || key == "grpc-status-details-bin", key.hasSuffix("-bin") else { return false }
    entries.append(Entry(key: key, value: .binary(bytes)))
    return true
  }

  /// Adds a pair as it came from the wire, where a `-bin` value may be several, joined by commas. Returns false
  /// where the value is not base64 or not text.
  public mutating func addFromWire(_ key: String, _ value: String) -> Bool {
    guard key.hasSuffix("-bin") else {
      entries.append(Entry(key: key, value: .text(value)))
      return true
    }
    for part in value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      guard let bytes = base64Decoded(part.drop(while: { $0 == UInt8(ascii: " ") })) else { return false }
      entries.append(Entry(key: key, value: .binary(bytes)))
    }
    return true
  }

  /// Adds all pairs of `other`.
  public mutating func add(contentsOf other: Metadata) { entries.append(contentsOf: other.entries) }

  /// The first text under `key`.
  public subscript(text key: String) -> String? {
    for entry in entries where entry.key == key {
      if case .text(let text) = entry.value { return text }
    }
    return nil
  }

  /// The first bytes under `key`.
  public subscript(binary key: String) -> [UInt8]? {
    for entry in entries where entry.key == key {
      if case .binary(let bytes) = entry.value { return bytes }
    }
    return nil
  }

  /// The pairs without `authorization`, and the first value of that.
  public var separatingAuthorization: (others: Metadata, authorization: String?) {
    guard let authorization = self[text: "authorization"] else { return (self, nil) }
    var others = self
    others.entries.removeAll { $0.key == "authorization" }
    return (others, authorization)
  }

  // A peer resets a stream for a space at either end of a field (RFC 9113 section 8.2.1).
  private static func isText(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.hasPrefix(" ") && !text.hasSuffix(" ")
  }

  // Keys that HTTP/2 or gRPC itself uses are not for applications.
  private static func isUsable(_ key: String) -> Bool {
    guard !key.isEmpty, !key.hasPrefix("grpc-") else { return false }
    switch key {
    case "content-type", "te", "user-agent": return false
    // Another word on what `:authority` and the body say, which a peer may compare (RFC 9113 sections 8.3.1, 8.1.1).
    case "host", "content-length": return false
    // Of connections, and in HTTP/2 malformed (RFC 9113 section 8.2.2).
    case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": return false
    default:
      return key.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
          UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
    }
  }
}
