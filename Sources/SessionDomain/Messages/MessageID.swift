/// The name of a message: a UUID of version 7, chosen by the server.
public struct MessageID: Hashable, Sendable {
  private let value: SessionID

  /// Takes an id that a generator made for a message.
  public init(_ value: SessionID) {
    self.value = value
  }

  /// Reads the canonical form, in any case; nil for anything else.
  public init?(_ text: String) {
    guard let value = SessionID(text) else { return nil }
    self.value = value
  }

  /// The first eight bytes, most significant first.
  public var high: UInt64 { value.high }
  /// The last eight bytes, most significant first.
  public var low: UInt64 { value.low }
}

extension MessageID: CustomStringConvertible {
  /// The canonical form in lower case, 36 characters.
  public var description: String { value.description }

  /// Lends the bytes of the canonical form; see `SessionID`.
  public func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result { value.withUTF8(body) }
}
