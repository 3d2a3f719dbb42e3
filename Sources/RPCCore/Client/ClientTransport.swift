/// Opens calls to a server, over whatever connects to it.
public protocol ClientTransport: Sendable {
  /// Opens a call. Failures come from the call itself.
  func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall
}

/// A transport's end of one call on the client. Cancelling the task that waits in a call cancels the call.
public protocol ClientCall: AnyObject, Sendable {
  /// What a message may be compressed with before it is sent; the transport then says so to the server.
  var encoding: MessageEncoding { get }

  /// Sends a message; returns when there is room for another. What comes after the end of a call that ended with OK is
  /// dropped.
  /// - Throws: the call's `RPCError` if it is over.
  func send(_ frame: FramedMessage) async throws

  /// Says that no more messages come.
  func finishSending() async throws

  /// The next response, or nil once the call ended with OK.
  /// - Throws: the `RPCError` that the call ended with.
  func nextResponse() async throws -> FramedMessage?

  /// Ends the call at once with CANCELLED.
  func cancel()

  /// What the server sent ahead of its first response; nil until it did, and for a call that it ended without.
  var initialMetadata: Metadata? { get }

  /// What the server sent with the status; empty until then.
  var trailers: Metadata { get }

  /// True once the call failed before the server did anything for it, so that making it again does nothing twice
  /// (gRFC A6, "Transparent Retries").
  var isUnprocessed: Bool { get }
}
