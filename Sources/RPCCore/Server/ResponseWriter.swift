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
      if try !sendNow(encoded, &rest, compression: compression) { try await waitForRoom() }
    }
  }

  /// Sends the first of those of `encoded` that are in `rest`, and takes them out of it: as many as there is room for,
  /// at least one. False when there is no room for more, so that `waitForRoom` comes before the next.
  /// - Throws: CANCELLED or DEADLINE_EXCEEDED when the call is over.
  @inlinable
  public func sendNow(
    _ encoded: EncodedMessages<Message>, _ rest: inout Range<Int>, compression: CompressionChoice = .inKind
  ) throws -> Bool {
    try call.enqueue(encoded.frames, &rest, compression)
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
