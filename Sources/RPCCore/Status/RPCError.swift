/// How a call ends when not with OK: what the peer is told, and what only the operator sees.
public struct RPCError: Error, Sendable {
  /// The code; never `.ok`.
  public var code: StatusCode
  /// For the peer: what was expected. Percent-encoded on the wire.
  public var message: String
  /// Trailing metadata, such as `grpc-status-details-bin`.
  public var trailers: Metadata
  /// What went wrong, for programs, in UPPER_SNAKE; nil where the code says it all. Goes into `google.rpc.ErrorInfo`.
  public var reason: String?
  /// For the log, never for the peer.
  public var cause: (any Error)?

  /// An error of `code`.
  public init(
    _ code: StatusCode, _ message: String, reason: String? = nil, trailers: Metadata = Metadata(),
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.reason = reason
    self.trailers = trailers
    self.cause = cause
  }

  /// What a caller is told of `error`: itself if it is an `RPCError`, CANCELLED for a cancelled task, and a fixed
  /// sentence for everything else, whose text may hold what is not the caller's to know.
  public init(answering error: any Error) {
    switch error {
    case let error as RPCError: self = error
    case is CancellationError: self.init(.cancelled, "the call was cancelled")
    default: self.init(.internal, "internal error", cause: error)
    }
  }
}

extension RPCError: CustomStringConvertible {
  /// Code, message and cause, for logs.
  public var description: String {
    "\(code.name): \(message)" + (cause.map { " (\($0))" } ?? "")
  }
}
