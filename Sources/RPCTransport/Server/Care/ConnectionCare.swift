import RPCCore

/// When a client's connection must show that it lives, is to go away, or is closed (gRFC A8 and A9).
///
///     fresh ──▶ serving ──▶ draining ──▶ leaving
///       └──────────┴───────────┴─────────▶
///
/// `fresh` until its first request; `draining` from the notice that it will close until its calls are over; `leaving`
/// once nothing more is said. It keeps no timers: its owner looks at it again and again, and does what it says.
struct ConnectionCare {
  typealias Instant = MonotonicInstant

  /// How the connection is, as its owner sees it.
  struct Observation {
    var now: Instant
    /// When bytes last came in.
    var lastReceived: Instant
    /// When a header list began that is not complete yet.
    var headersBegan: Instant?
    /// Requests so far.
    var requests: UInt64
    var hasStreams: Bool
    /// Whether the socket takes more bytes.
    var isWritable: Bool
  }

  /// What to do.
  enum Action: Equatable {
    case nothing
    /// Ask for a sign of life.
    case ping
    /// Say that the connection will close, while requests on their way are still taken.
    case announceDrain
    /// Refuse requests from now on.
    case drain
    case close(Reason)
  }

  /// Why a connection is closed.
  enum Reason: Equatable {
    case noRequest, slowHeaders, unreadOutput, unansweredPing, calmDown, drained
  }

  private enum Phase: Equatable {
    case fresh, serving
    case draining(since: Instant, grace: Duration?, isFinal: Bool)
    case leaving(since: Instant)
  }

  private let limits: ConnectionLimits
  private let start: Instant
  private let age: Duration?
  private var phase = Phase.fresh
  /// True once nothing that comes in matters any more. Kept beside the phase, since every request asks for it.
  private(set) var isLeaving = false
  private var idleSince: Instant
  private var requests: UInt64 = 0
  private var pingSent: Instant?
  private var blockedSince: Instant?

  /// Care from `start` on. `jitter`, from 0 to 1, spreads the ages of connections that began together.
  init(_ limits: ConnectionLimits, start: Instant, jitter: Double) {
    self.limits = limits
    self.start = start
    idleSince = start
    age = limits.ageMax.map { $0 * (0.9 + 0.2 * jitter) }
  }

  /// Begins to drain, if it has not begun; what to do for it. The calls that run may take `grace`; nil for as long as
  /// they want.
  mutating func beginDrain(at now: Instant, grace: Duration?) -> Action {
    switch phase {
    case .draining, .leaving: return .nothing
    case .fresh, .serving:
      phase = .draining(since: now, grace: grace, isFinal: false)
      return .announceDrain
    }
  }

  /// The client has heard of the drain.
  mutating func announcementArrived() -> Action {
    guard case .draining(let since, let grace, isFinal: false) = phase else { return .nothing }
    phase = .draining(since: since, grace: grace, isFinal: true)
    return .drain
  }

  /// The last words are on their way.
  mutating func beginLeaving(at now: Instant) {
    phase = .leaving(since: now)
    isLeaving = true
  }

  /// Looks at the connection; what to do.
  mutating func look(_ seen: Observation) -> Action {
    if seen.hasStreams || seen.requests != requests { idleSince = seen.now }
    requests = seen.requests
    if phase == .fresh, requests > 0 { phase = .serving }

    switch phase {
    case .leaving(let since): return seen.now - since >= limits.leavingMax ? .close(.drained) : .nothing
    case .fresh where isOver(limits.firstRequest, since: start, seen.now): return .close(.noRequest)
    case .draining(let since, _, isFinal: false) where seen.now - since >= limits.announcementMax:
      return announcementArrived()
    case .draining(let since, let grace, isFinal: true) where isOver(grace, since: since, seen.now):
      return .close(.drained)
    case .fresh, .serving, .draining: break
    }
    if let began = seen.headersBegan, isOver(limits.header, since: began, seen.now) { return .close(.slowHeaders) }
    if isBlocked(seen) { return .close(.unreadOutput) }
    let keepalive = keepalive(seen)
    if keepalive != .nothing { return keepalive }
    let isOld = age.map { seen.now - start >= $0 } ?? false
    if isOld || isOver(limits.idle, since: idleSince, seen.now) {
      return beginDrain(at: seen.now, grace: limits.ageGrace)
    }
    return .nothing
  }

  private mutating func isBlocked(_ seen: Observation) -> Bool {
    if seen.isWritable {
      blockedSince = nil
      return false
    }
    let since = blockedSince ?? seen.now
    blockedSince = since
    return isOver(limits.unreadOutput, since: since, seen.now)
  }

  private mutating func keepalive(_ seen: Observation) -> Action {
    guard let interval = limits.keepaliveTime else { return .nothing }
    if let sent = pingSent {
      // Any byte is a sign of life.
      if seen.lastReceived > sent {
        pingSent = nil
        return .nothing
      }
      return seen.now - sent >= limits.keepaliveTimeout ? .close(.unansweredPing) : .nothing
    }
    guard seen.now - seen.lastReceived >= interval else { return .nothing }
    pingSent = seen.now
    return .ping
  }

  private func isOver(_ limit: Duration?, since: Instant, _ now: Instant) -> Bool {
    limit.map { now - since >= $0 } ?? false
  }
}
