public import ProtobufC

/// The requests of a streaming call, in order, until the caller has sent its last. For one consumer.
///
/// Each is decoded when it is taken; what was not taken holds back the caller.
public struct RequestStream<Message: ProtobufMessage>: AsyncSequence, Sendable {
  @usableFromInline let call: any ServerCall
  @usableFromInline let limits: DecodeLimits

  /// Reads from `call`.
  public init(_ call: any ServerCall, limits: DecodeLimits) {
    self.call = call
    self.limits = limits
  }

  /// An iterator; there is one position, whoever iterates.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

  /// Takes one request at a time.
  public struct AsyncIterator: AsyncIteratorProtocol {
    @usableFromInline let stream: RequestStream
    /// Whether the request taken last came compressed.
    public private(set) var lastWasCompressed = false

    @usableFromInline
    init(stream: RequestStream) { self.stream = stream }

    @usableFromInline
    mutating func note(_ frame: FramedMessage) { lastWasCompressed = frame.wasCompressed }

    /// The next request; nil after the last.
    /// - Throws: INVALID_ARGUMENT for bytes that are not a message; CANCELLED or DEADLINE_EXCEEDED when the call
    ///   is over.
    @inlinable
    public mutating func next() async throws -> Message? {
      guard let frame = try await stream.call.nextRequest() else { return nil }
      note(frame)
      var memoryBytes = 0
      return try frame.withPayload { try ServerMethod.decode($0, stream.limits, &memoryBytes) }
    }
  }
}
