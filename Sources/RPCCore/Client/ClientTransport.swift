/// Opens calls to a server, over whatever connects to it.
public protocol ClientTransport: Sendable {
  /// Opens a call. Failures come from the call itself.
  func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall
}

/// What a caller may say about one call.
public struct CallOptions: Sendable {
  /// Sent before the first message.
  public var metadata = Metadata()
  /// How long to wait; nil waits for ever.
  public var timeout: Duration?

  /// No metadata, no timeout.
  public init(metadata: Metadata = Metadata(), timeout: Duration? = nil) {
    self.metadata = metadata
    self.timeout = timeout
  }
}

/// A transport's end of one call on the client. Cancelling the task that waits in a call cancels the call.
public protocol ClientCall: AnyObject, Sendable {
  /// Sends a message; returns when there is room for another.
  /// - Throws: the call's `RPCError` if it is over.
  func send(_ frame: FramedMessage) async throws

  /// Says that no more messages come.
  func finishSending() async throws

  /// The next response, or nil once the call ended with OK.
  /// - Throws: the `RPCError` that the call ended with.
  func nextResponse() async throws -> FramedMessage?

  /// Ends the call at once.
  func cancel()
}
