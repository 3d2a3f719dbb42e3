public import HTTP2
public import RPCCore

/// How a client connects, and its limits.
public struct ClientConfiguration: Sendable {
  /// When a connection that has gone quiet is asked for a sign of life (gRFC A8).
  public struct Keepalive: Sendable, Hashable {
    /// How long a connection is quiet before it is asked with a PING; nil never asks. Servers end connections that
    /// ask too often, many of them below 5 minutes; the time is doubled when one does.
    public var time: Duration?
    /// How long the answer may take before the connection is given up.
    public var timeout: Duration = .seconds(20)
    /// Asks without calls, too.
    public var permitsWithoutCalls = false

    /// Never asks.
    public init() {}
  }

  /// TLS; nil for plaintext.
  public var tls: ClientTLS?
  /// The limits of HTTP/2.
  public var http2 = HTTP2Settings()
  /// Bytes of one response message.
  public var messageBytesMax = 4 << 20
  /// Bytes that one call may have waiting to be sent before its sender must wait.
  public var streamUnsentBytesMax = 64 << 10
  /// The same for all calls together; beyond it each may have one message waiting.
  public var connectionUnsentBytesMax = 1 << 20
  /// How long connecting may take, up to the server's first SETTINGS.
  public var connectTimeout: Duration = .seconds(20)
  /// How long to wait after connecting failed, from its beginning.
  public var backoff = Backoff(initial: .seconds(1), multiplier: 1.6, max: .seconds(120))
  /// Numbers from 0 to 1 for the jitter of the backoff.
  public var random: @Sendable () -> Double = { .random(in: 0...1) }
  /// Signs of life.
  public var keepalive = Keepalive()
  /// A connection without calls is closed after this time; nil keeps it.
  public var idleTimeout: Duration? = .seconds(30 * 60)
  /// The `user-agent` of calls.
  public var userAgent = "sessiond-swift/0.1.0"

  /// The defaults.
  public init() {}
}
