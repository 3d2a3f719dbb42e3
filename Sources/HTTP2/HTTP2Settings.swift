import CNghttp2

/// What this end of a connection tells its peer and tolerates from it (RFC 9113 section 6.5.2 and chapter 10).
public struct HTTP2Settings: Sendable, Hashable {
  /// Streams that the peer may have open at once.
  public var concurrentStreamsMax: UInt32 = 1000
  /// Bytes of one stream that the peer may send before they are consumed.
  public var streamWindowBytes: Int32 = 256 << 10
  /// Bytes of all streams together that the peer may send before they are consumed.
  public var connectionWindowBytes: Int32 = 1 << 20
  /// Payload of one frame from the peer, 16 KiB to 16 MiB.
  public var frameBytesMax: UInt32 = 16 << 10
  /// Names and values of one header list plus 32 bytes a field. What exceeds it is for the user to refuse; a list that
  /// is eight times as long is no mistake, and its stream is reset.
  public var headerListBytesMax: UInt32 = 16 << 10
  /// Frames that answer what the peer sent, such as acknowledgements and resets, and may wait for one that does not
  /// read.
  public var unsentAnswersMax = 10_000
  /// Entries in one SETTINGS frame.
  public var settingsEntriesMax = 32
  /// RST_STREAM frames from the peer: so many at once, and then so many a second, before the connection ends.
  public var resetsBurst: UInt64 = 1000
  /// See `resetsBurst`.
  public var resetsPerSecond: UInt64 = 100
  /// Freed memory that one connection keeps for its next streams, in bytes.
  public var pooledBytesMax = 32 << 10

  /// The defaults.
  public init() {}
}

/// The error codes of RST_STREAM and GOAWAY (RFC 9113 section 7).
public struct HTTP2ErrorCode: RawRepresentable, Sendable, Hashable {
  /// The code on the wire.
  public let rawValue: UInt32
  /// A code by its number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Not an error.
  public static let noError = Self(rawValue: 0x0)
  /// The peer broke the protocol.
  public static let protocolError = Self(rawValue: 0x1)
  /// This end failed.
  public static let internalError = Self(rawValue: 0x2)
  /// A frame came for a stream that was over.
  public static let streamClosed = Self(rawValue: 0x5)
  /// The stream was not processed and may be retried.
  public static let refusedStream = Self(rawValue: 0x7)
  /// The stream is no longer needed.
  public static let cancel = Self(rawValue: 0x8)
  /// The peer causes too much load.
  public static let enhanceYourCalm = Self(rawValue: 0xB)
}

/// Why a connection cannot go on. What must be said to the peer is in the output still to be sent.
public struct HTTP2Error: Error, Equatable, CustomStringConvertible {
  /// nghttp2's error code.
  public let code: Int32
  /// nghttp2's words for it.
  public let description: String

  /// Whether the peer sent more of something than is tolerated, and was not told yet.
  public var isFlood: Bool {
    code == NGHTTP2_ERR_FLOODED.rawValue || code == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue
  }
}
