public import ProtobufC

/// A call whose one request came in.
public enum PreparedCall: Sendable {
  /// Answered already, as a unary call can be that needs no waiting. It needs no task then, which is a sixth of what
  /// answering from memory costs, and its request is not kept.
  case answered(UnaryAnswer)
  /// To be answered in a task of the call's own. The request takes about so much memory until then.
  case waiting(ServerMethod.Body, requestBytes: Int)
}

/// The answer of a unary call, whatever its type.
public struct UnaryAnswer: Sendable {
  /// The message.
  public let frame: FramedMessage
  /// Sent before the message.
  public let metadata: Metadata
  /// Whether the message is compressed.
  public let compression: CompressionChoice
  /// Sent with the status.
  public let trailers: Metadata

  /// What `response` says.
  @inlinable
  public init<Message: ProtobufMessage>(_ response: consuming ServerResponse<Message>) {
    frame = response.encoded.frame
    metadata = response.metadata
    compression = response.compression
    trailers = response.trailers
  }

  /// Hands it to `call`.
  /// - Throws: what the call ended with before.
  public func send(to call: any ServerCall) throws {
    if !metadata.isEmpty { call.send(metadata) }
    if !trailers.isEmpty { call.addTrailers(trailers) }
    // The only message: whether there is room for more does not matter.
    _ = try call.enqueue(frame, compression)
  }
}
