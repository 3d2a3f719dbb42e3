import NIOCore

/// Decides when a client asks a connection that has gone quiet for a sign of life, and when it gives it up (gRFC A8).
///
///     dormant ◀──▶ quiet ◀──▶ asked ──▶ given up
///
/// `dormant` without calls, unless asking is allowed then; `quiet` until nothing has come in for the time; `asked`
/// until something comes in. Any bytes are a sign of life.
struct ClientKeepalive {
  enum Phase: Equatable {
    case dormant
    case quiet
    case asked(NIODeadline)
  }

  /// What to do now.
  enum Action: Equatable {
    /// Nothing, until calls begin.
    case rest
    /// Nothing, until then.
    case wait(until: NIODeadline)
    /// Send a PING, and ask again what to do at that time.
    case ping(until: NIODeadline)
    /// The connection is dead.
    case giveUp
  }

  private let time: TimeAmount
  private let timeout: TimeAmount
  private let permitsWithoutCalls: Bool
  private(set) var phase = Phase.dormant
  private var lastSign: NIODeadline

  /// Nil for settings that never ask.
  init?(_ settings: ClientConfiguration.Keepalive, now: NIODeadline) {
    guard let time = settings.time else { return nil }
    self.time = TimeAmount(time)
    timeout = TimeAmount(settings.timeout)
    permitsWithoutCalls = settings.permitsWithoutCalls
    lastSign = now
  }

  /// Something came in.
  mutating func received(at now: NIODeadline) { lastSign = now }

  /// To be called when the last action's time has come; and in `dormant`, when calls have begun.
  mutating func advance(to now: NIODeadline, hasCalls: Bool) -> Action {
    if case .asked(let since) = phase, lastSign <= since {
      let end = since + timeout
      return now < end ? .wait(until: end) : .giveUp
    }
    guard hasCalls || permitsWithoutCalls else {
      phase = .dormant
      return .rest
    }
    let due = lastSign + time
    guard now >= due else {
      phase = .quiet
      return .wait(until: due)
    }
    phase = .asked(now)
    return .ping(until: now + timeout)
  }
}
