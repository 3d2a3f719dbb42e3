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
  /// Connections at once; further ones are closed as they come.
  public var connectionsMax = 10_000
  /// Told of each call that ended; nil for nobody.
  public var observer: (any ServerCallObserver)?

  /// The defaults.
  public init() {}
}

/// Hears of every call that ended, on its event loop: must not block.
public protocol ServerCallObserver: Sendable {
  /// Whether to tell it of a call that ended so; nil for OK. Asked for every call.
  func wants(_ error: RPCError?) -> Bool

  /// A call is over.
  func callEnded(_ call: CallSummary)
}

/// How a call went.
public struct CallSummary: Sendable {
  /// The method, or the path where there is none of that name.
  public let method: String
  /// The caller's address.
  public let peer: String
  /// From the request's headers to the status.
  public let duration: Duration
  /// Nil for OK.
  public let error: RPCError?
  /// Ties what the caller was told to the log, where it was told only that something failed inside.
  public let requestID: String?

  /// The code of the status.
  public var code: StatusCode { error?.code ?? .ok }
}
