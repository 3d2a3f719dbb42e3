public import CProtobufC

/// A Swift value over a C message of protobuf-c. `protoc-gen-swift-rpc` generates the conformances.
///
/// Decoding goes wire bytes, bounds check, C message in an arena, Swift value; encoding goes Swift value, C
/// message in an arena, wire bytes. The C side never outlives one call of either.
public protocol ProtobufMessage: Sendable, Hashable {
  /// The struct that protoc-c generated.
  associatedtype CMessage

  /// The full name, such as `google.protobuf.Timestamp`.
  static var fullName: String { get }

  /// What protobuf-c knows of the message: its fields, their types and offsets.
  static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> { get }

  /// Every field at its default.
  init()

  /// Copies a C message that passed the bounds check. `c` may be freed afterwards.
  init(copying c: UnsafePointer<CMessage>)

  /// Initializes `c` and sets its fields; what they point to is allocated in `arena` or is static.
  func fill(_ c: UnsafeMutablePointer<CMessage>, in arena: inout Arena)
}

extension ProtobufMessage {
  /// A message with some fields set: `Timestamp.with { $0.seconds = 1 }`.
  public static func with(_ change: (inout Self) throws -> Void) rethrows -> Self {
    var message = Self()
    try change(&message)
    return message
  }
}

/// A protobuf enum: open, so that values of newer schemas survive a round trip.
public protocol ProtobufEnum: Sendable, Hashable {
  /// The value on the wire.
  var rawValue: Int32 { get }
  /// Never fails: a value without a name becomes `.unrecognized`.
  init(rawValue: Int32)
  /// The value with number 0.
  init()
}

/// Holds a message that contains itself, directly or through others, where a struct cannot.
public struct Indirect<Message: ProtobufMessage>: Sendable, Hashable {
  private final class Box: Sendable {
    let message: Message
    init(_ message: Message) { self.message = message }
  }
  private let box: Box

  /// Boxes `message`.
  public init(_ message: Message) { box = Box(message) }

  /// The boxed message.
  public var message: Message { box.message }

  /// Equal when the messages are.
  public static func == (a: Self, b: Self) -> Bool { a.box === b.box || a.message == b.message }
  /// Hashes the message.
  public func hash(into hasher: inout Hasher) { hasher.combine(message) }
}
