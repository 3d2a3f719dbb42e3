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

  /// Sends those of `encoded` that are in `range`, in order.
  /// - Throws: CANCELLED or DEADLINE_EXCEEDED when the call is over.
  @inlinable
  public func send(
    _ encoded: EncodedMessages<Message>, _ range: Range<Int>, compression: CompressionChoice = .inKind
  ) async throws {
    var rest = range
    while !rest.isEmpty {
      if try !call.enqueue(encoded.frames, &rest, compression) { try await call.waitForRoom() }
    }
  }

  /// Sends initial metadata now instead of with the first message.
  public func send(_ metadata: Metadata) { call.send(metadata) }

  /// Adds to the metadata that goes with the status.
  public func addTrailers(_ metadata: Metadata) { call.addTrailers(metadata) }
}
