public import HTTP2
public import ProtobufC
public import RPCCore

/// The limits of a server. Each has a default that is safe on the open network.
public struct ServerConfiguration: Sendable {
  /// The limits of HTTP/2.
  public var http2 = HTTP2Settings()
  /// Bytes of one request message.
  public var messageBytesMax = 4 << 20
  /// What decoding one request may take.
  public var decodeLimits = DecodeLimits()
  /// Bytes that one stream may have waiting to be sent before its handler must wait.
  public var streamUnsentBytesMax = 64 << 10
  /// The same for all streams of a connection together; beyond it each may have one message waiting.
  public var connectionUnsentBytesMax = 1 << 20
  /// Bytes that the calls of all connections may hold: their requests, from the headers until they are answered, and
  /// then the answer, until it is sent.
  public var requestBytesMax = 256 << 20
  /// How long a connection may take for what.
  public var limits = ConnectionLimits()
  /// Connections at once; further ones are closed as they come.
  public var connectionsMax = 10_000
  /// What is done around each call, in this order.
  public var interceptors: [any ServerInterceptor] = []
  /// Told of a connection that is closed as it comes, by the thread that took it.
  public var connectionRefused: @Sendable () -> Void = {}
  /// Told of a connection whose TLS handshake failed: its address, and why, in words for people.
  public var handshakeFailed: @Sendable (_ address: String, _ reason: String) -> Void = { _, _ in }
  /// The last to see an error before it is sent, whether a handler's or the runtime's own: completes its details.
  public var completesError: @Sendable (RPCError) -> RPCError = { $0 }
  /// What tells the time by which calls and connections begin, last and are limited; but deadlines of callers are the
  /// event loops' to keep.
  package var now: @Sendable () -> MonotonicInstant = { .now }

  /// The defaults.
  public init() {}
}
