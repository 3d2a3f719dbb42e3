/// What a handler knows of its call besides the request.
public final class ServerContext: Sendable {
  /// The method that was called.
  public let method: MethodDescriptor
  /// The caller's metadata.
  public let metadata: Metadata
  /// When the caller stops waiting; nil if it never does. The handler's task is cancelled then.
  public let deadline: ContinuousClock.Instant?
  /// The caller's address, such as `127.0.0.1:51000`.
  public let peer: String

  /// A call's context.
  public init(method: MethodDescriptor, metadata: Metadata, deadline: ContinuousClock.Instant?, peer: String) {
    self.method = method
    self.metadata = metadata
    self.deadline = deadline
    self.peer = peer
  }
}
