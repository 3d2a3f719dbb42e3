/// What a caller may say about one call.
public struct CallOptions: Sendable {
  /// Sent before the first message.
  public var metadata = Metadata()
  /// How long to wait; nil waits for ever.
  public var timeout: Duration?
  /// Waits for a connection where there is none, for as long as `timeout` says; otherwise the call fails with
  /// UNAVAILABLE as soon as connecting does (grpc/doc/wait-for-ready.md).
  public var waitForReady = false
  /// What requests are compressed with, where the transport compresses (grpc/doc/compression.md).
  public var compression = MessageEncoding.identity
  /// Tells what comes with the response besides its messages. For one call.
  public var responseMetadata: ResponseMetadata?
  /// How often this call was made before, for `grpc-previous-rpc-attempts`.
  package var previousAttempts = 0

  /// No metadata, no timeout.
  public init(metadata: Metadata = Metadata(), timeout: Duration? = nil) {
    self.metadata = metadata
    self.timeout = timeout
  }
}
