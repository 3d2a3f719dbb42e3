/// How a call ends when not with OK: what the peer is told, and what only the operator sees.
public struct RPCError: Error, Sendable {
  private struct Content {
    var code: StatusCode
    var message: String
    var trailers: Metadata
    var reason: String?
    var cause: (any Error)?
  }

  private final class Box: Sendable {
    let content: Content
    init(_ content: Content) { self.content = content }
  }

  // One reference for all of it: every call that goes well passes on, several times, that there is no error.
  private var box: Box

  private subscript<Value>(_ field: WritableKeyPath<Content, Value>) -> Value {
    get { box.content[keyPath: field] }
    set {
      var content = box.content
      content[keyPath: field] = newValue
      box = Box(content)
    }
  }

  /// The code; never `.ok`.
  public var code: StatusCode {
    get { self[\.code] }
    set { self[\.code] = newValue }
  }
  /// For the peer: what was expected. Percent-encoded on the wire.
  public var message: String {
    get { self[\.message] }
    set { self[\.message] = newValue }
  }
  /// Trailing metadata, such as `grpc-status-details-bin`.
  public var trailers: Metadata {
    get { self[\.trailers] }
    set { self[\.trailers] = newValue }
  }
  /// What went wrong, for programs, in UPPER_SNAKE; nil where the code says it all. Goes into `google.rpc.ErrorInfo`.
  public var reason: String? {
    get { self[\.reason] }
    set { self[\.reason] = newValue }
  }
  /// For the log, never for the peer.
  public var cause: (any Error)? {
    get { self[\.cause] }
    set { self[\.cause] = newValue }
  }

  /// An error of `code`.
  public init(
    _ code: StatusCode, _ message: String, reason: String? = nil, trailers: Metadata = Metadata(),
    cause: (any Error)? = nil
  ) {
    box = Box(Content(code: code, message: message, trailers: trailers, reason: reason, cause: cause))
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
