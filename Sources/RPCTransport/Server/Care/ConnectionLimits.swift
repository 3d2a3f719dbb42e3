/// How long a client's connection may take for what, and how often it may do what costs it nothing. Nil for no limit.
public struct ConnectionLimits: Sendable, Hashable {
  /// From the connection to its first request, the TLS handshake included.
  public var firstRequest: Duration? = .seconds(20)
  /// For one header list, from its first byte to its last.
  public var header: Duration? = .seconds(10)
  /// For one request message, from its first byte, or the headers of a call that takes one message, to its last.
  public var body: Duration? = .seconds(60)
  /// Without a call, until the connection drains.
  public var idle: Duration? = .seconds(1800)
  /// How old a connection may become until it drains, give or take a tenth.
  public var ageMax: Duration?
  /// How long a connection that drains for its age, or without a call, may take to finish the calls it has by then.
  public var ageGrace: Duration? = .seconds(30)
  /// Without a byte from the client, until it is asked for a sign of life with a PING.
  public var keepaliveTime: Duration? = .seconds(60)
  /// How long it may take to give one.
  public var keepaliveTimeout: Duration = .seconds(20)
  /// The least time between PINGs of the client while nothing is sent to it. Two that come sooner are forgiven; the
  /// next one ends the connection (gRFC A8).
  public var keepaliveMinimumTime: Duration = .seconds(5)
  /// Whether a client without calls may send PINGs that often; else only every two hours.
  public var keepaliveWithoutCalls = true
  /// How long the socket may take no bytes although there are some; and how long a client may take nothing of an answer
  /// whose call is over.
  public var unreadOutput: Duration? = .seconds(60)
  /// Frames that ask for work without bringing a call on, such as PING, SETTINGS, PRIORITY, empty DATA, and what has a
  /// stream reset: so many at once...
  public var controlFramesBurst = 1000
  /// ... and then so many a second, before the connection ends.
  public var controlFramesPerSecond = 200

  /// How long a client may take to hear of a drain before its requests are refused; an answered PING ends it sooner.
  var announcementMax = Duration.seconds(1)
  /// How long a peer may take to read why it is sent away. Closing at once would lose what it was told, if bytes of it
  /// are still on their way here (RFC 9112 section 9.6).
  var leavingMax = Duration.seconds(1)

  /// The defaults.
  public init() {}

  /// How often a connection must be looked at, so that no limit is missed by much.
  var lookInterval: Duration {
    let limits = [firstRequest, header, body, idle, ageMax, ageGrace, keepaliveTime, keepaliveTimeout, unreadOutput]
    let shortest = limits.compactMap { $0 }.min() ?? .seconds(1)
    return min(.seconds(1), max(.milliseconds(10), shortest / 4))
  }
}
