/// What a frame says of itself before its payload (RFC 9113 section 4.1).
public struct FrameHeader: Sendable, Hashable {
  /// What kind of frame it is.
  public let type: FrameType
  /// Eight bits that mean what the type says.
  public let flags: UInt8
  /// The stream that it is about; 0 for the connection.
  public let stream: Int32
  /// The length of what follows.
  public let payloadBytes: Int

  /// A header.
  public init(type: FrameType, flags: UInt8, stream: Int32, payloadBytes: Int) {
    self.type = type
    self.flags = flags
    self.stream = stream
    self.payloadBytes = payloadBytes
  }

  /// Whether it opens, ends or fills a stream, rather than being about the connection or about nothing.
  public var isContent: Bool {
    switch type {
    case .headers, .continuation, .resetStream: true
    case .data: payloadBytes > 0 || isEndOfStream
    default: false
    }
  }

  /// Of HEADERS and CONTINUATION: nothing of the header list follows.
  public var isEndOfHeaders: Bool { flags & 0x4 != 0 }
  /// Of HEADERS and DATA: nothing follows on the stream.
  public var isEndOfStream: Bool { flags & 0x1 != 0 }
  /// Of PING and SETTINGS: it answers one of ours.
  public var isAcknowledgement: Bool { flags & 0x1 != 0 }
}

/// The types of frames (RFC 9113 section 6). There are others, which receivers ignore.
public struct FrameType: RawRepresentable, Sendable, Hashable {
  /// The type on the wire.
  public let rawValue: UInt8
  /// A type by its number.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A part of a body.
  public static let data = Self(rawValue: 0x0)
  /// A header list, or its beginning.
  public static let headers = Self(rawValue: 0x1)
  /// What a stream would rather wait for; deprecated.
  public static let priority = Self(rawValue: 0x2)
  /// The end of a stream.
  public static let resetStream = Self(rawValue: 0x3)
  /// What the sender tolerates.
  public static let settings = Self(rawValue: 0x4)
  /// A sign of life.
  public static let ping = Self(rawValue: 0x6)
  /// The end of a connection.
  public static let goAway = Self(rawValue: 0x7)
  /// Leave to send more.
  public static let windowUpdate = Self(rawValue: 0x8)
  /// More of a header list.
  public static let continuation = Self(rawValue: 0x9)
}
