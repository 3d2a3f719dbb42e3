public import ProtobufC

/// The one answer of a unary or client-streaming call, with metadata where the handler wants some.
public struct ServerResponse<Message: ProtobufMessage>: Sendable {
  /// The message, encoded.
  public let encoded: EncodedMessage<Message>
  /// Sent before the message.
  public var metadata = Metadata()
  /// Whether the message is compressed.
  public var compression = CompressionChoice.inKind
  /// Sent with the status.
  public var trailers = Metadata()

  /// Answers with `message`.
  /// - Throws: INTERNAL where it cannot be encoded.
  @inlinable
  public init(_ message: Message) throws { encoded = try EncodedMessage(message) }

  /// Answers with a message that was encoded before.
  public init(_ encoded: EncodedMessage<Message>) { self.encoded = encoded }
}
