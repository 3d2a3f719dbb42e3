public import ProtobufC

/// Sends the responses of a streaming call. One task writes at a time.
public struct ResponseWriter<Message: ProtobufMessage>: Sendable {
  @usableFromInline let call: any ServerCall

  /// Writes to `call`.
  public init(_ call: any ServerCall) { self.call = call }

  /// Sends a message; returns when there is room for another, so that a slow reader slows its writer.
  /// - Throws: CANCELLED or DEADLINE_EXCEEDED when the call is over; INTERNAL for a message that cannot be encoded.
  @inlinable
  public func send(_ message: Message, compression: CompressionChoice = .inKind) async throws {
    try await send(EncodedMessage(message), compression: compression)
  }

  /// Sends a message that was encoded before.
  /// - Throws: CANCELLED or DEADLINE_EXCEEDED when the call is over.
  @inlinable
  public func send(_ encoded: EncodedMessage<Message>, compression: CompressionChoice = .inKind) async throws {
    if try !call.enqueue(encoded.frame, compression) { try await call.waitForRoom() }
  }

  /// Hands over a message that was encoded before; false where the caller is to `waitForRoom` before the next. For many
  /// messages in a row, of which most need no waiting.
  /// - Throws: CANCELLED or DEADLINE_EXCEEDED when the call is over.
  @inlinable
  public func enqueue(_ encoded: EncodedMessage<Message>, compression: CompressionChoice = .inKind) throws -> Bool {
    try call.enqueue(encoded.frame, compression)
  }

  /// Returns when there is room for another message.
  /// - Throws: CANCELLED or DEADLINE_EXCEEDED when the call is over.
  @inlinable
  public func waitForRoom() async throws { try await call.waitForRoom() }

  /// Sends initial metadata now instead of with the first message.
  public func send(_ metadata: Metadata) { call.send(metadata) }

  /// Adds to the metadata that goes with the status.
  public func addTrailers(_ metadata: Metadata) { call.addTrailers(metadata) }
}
