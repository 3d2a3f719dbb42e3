/// How much one message may ask of the decoder. The bytes of the message are bounded by whoever read them.
public struct DecodeLimits: Sendable, Hashable {
  /// Submessages inside one another, the outermost counting as 1. Protobuf's own implementations take 100.
  public var depthMax = 100
  /// Memory of the C messages that `protobuf_c_message_unpack` builds, in bytes.
  public var memoryBytesMax = 32 << 20
  /// How often submessages that are not repeated may come again in one message, to be merged with what was there.
  /// Encoders do not do that; programs that join messages by their bytes do.
  public var mergesMax = 8

  /// The defaults.
  public init() {}
}

/// Why bytes are not a message of the expected type.
public struct DecodeError: Error, Equatable {
  /// What was wrong.
  public enum Kind: Equatable, Sendable {
    /// The bytes end inside a field.
    case truncated
    /// A tag, length or varint that no encoder writes.
    case malformed
    /// The field's bytes are of another wire type than its declaration.
    case wrongWireType
    /// A string that is not UTF-8.
    case invalidUTF8
    /// A string with U+0000 in it, which C strings cannot hold.
    case containsNUL
    /// Submessages deeper than `DecodeLimits.depthMax`.
    case tooDeep(max: Int)
    /// More memory than `DecodeLimits.memoryBytesMax`.
    case tooLarge(bytesMax: Int)
    /// A singular submessage more often than `DecodeLimits.mergesMax`.
    case tooManyMerges(max: Int)
  }

  /// What was wrong.
  public let kind: Kind
  /// The message type that was expected.
  public internal(set) var message: String
  /// The names of the fields from the outermost message to the place, such as `["session", "name"]`.
  public internal(set) var path: [String]

  init(_ kind: Kind, at field: String? = nil) {
    self.kind = kind
    message = ""
    path = field.map { [$0] } ?? []
  }

  func inside(_ field: String) -> DecodeError {
    var outer = self
    outer.path.insert(field, at: 0)
    return outer
  }
}

extension DecodeError: CustomStringConvertible {
  /// A sentence for the peer, such as "session.name: the string is not UTF-8".
  public var description: String {
    let reason =
      switch kind {
      case .truncated: "the bytes end inside a field"
      case .malformed: "not a protobuf message: bad tag, length or varint"
      case .wrongWireType: "the wire type does not fit the field"
      case .invalidUTF8: "the string is not UTF-8"
      case .containsNUL: "the string contains U+0000, which is not allowed"
      case .tooDeep(let max): "messages are nested more than \(max) deep"
      case .tooLarge(let bytesMax): "decoding would take more than \(bytesMax) bytes of memory"
      case .tooManyMerges(let max): "the field is not repeated and comes more than \(max + 1) times"
      }
    return path.isEmpty ? "\(message): \(reason)" : "\(path.joined(separator: ".")): \(reason)"
  }
}
