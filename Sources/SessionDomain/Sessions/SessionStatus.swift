/// Where a session is in its life. Raw values are the contract's numbers.
///
///     initializing -> active, error
///     active       -> idle, completed, error, terminated
///     idle         -> active, terminated
///     error        -> terminated
///
/// `completed` and `terminated` are final.
public enum SessionStatus: Int32, CaseIterable, Hashable, Sendable {
  case initializing = 1
  case active = 2
  case idle = 3
  case completed = 4
  case error = 5
  case terminated = 6
}

extension SessionStatus {
  /// The statuses that a session in this one may move to, in the contract's order. Staying is not a move.
  public var allowedMoves: [SessionStatus] {
    switch self {
    case .initializing: [.active, .error]
    case .active: [.idle, .completed, .error, .terminated]
    case .idle: [.active, .terminated]
    case .error: [.terminated]
    case .completed, .terminated: []
    }
  }

  /// Whether a session in this status may move to `status`.
  public func canMove(to status: SessionStatus) -> Bool {
    allowedMoves.contains(status)
  }

  /// Whether a session in this status has finished for good.
  public var isFinal: Bool {
    switch self {
    case .completed, .terminated: true
    case .initializing, .active, .idle, .error: false
    }
  }

  /// Whether a session in this status is at work, or about to be.
  public var isLive: Bool {
    switch self {
    case .initializing, .active, .idle: true
    case .completed, .error, .terminated: false
    }
  }

  /// The moves that take a session from this status to `terminated`; empty when it is final already.
  ///
  /// A session that never started goes through `error`.
  public var movesToTermination: [SessionStatus] {
    switch self {
    case .initializing: [.error, .terminated]
    case .active, .idle, .error: [.terminated]
    case .completed, .terminated: []
    }
  }
}

extension SessionStatus: CustomStringConvertible {
  /// The lower-case name, such as "active".
  public var description: String {
    switch self {
    case .initializing: "initializing"
    case .active: "active"
    case .idle: "idle"
    case .completed: "completed"
    case .error: "error"
    case .terminated: "terminated"
    }
  }
}
