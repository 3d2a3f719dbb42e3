/// What becomes of sessions that nobody uses.
public enum Inactivity {
  /// Why a session moves that nobody used.
  public static let reason = "inactivity timeout"

  /// How long a session may be without activity, or `initializing`; nil for ever.
  ///
  /// A constraint `timeout:MS` takes the place of `timeout`. Zero means for ever, in both.
  public static func timeout(in status: SessionStatus, _ constraints: [String], orElse timeout: Duration) -> Duration? {
    guard status.isLive else { return nil }
    var timeout = timeout
    // What is not about time need not be read.
    for text in constraints where text.utf8.starts(with: "timeout:".utf8) {
      guard case .success(let constraint) = Constraint.parse(text) else { continue }
      if case .timeout(let milliseconds) = constraint.value { timeout = .milliseconds(milliseconds) }
    }
    return timeout > .zero ? timeout : nil
  }
}

extension SessionEditor {
  /// Makes the move of a session whose time is over: from `active` to `idle`, from there to `terminated`, and from
  /// `initializing` to `error`. No other status has a time.
  public mutating func expire() throws(SessionError) {
    switch session.status {
    case .initializing: try move(to: .error, reason: Inactivity.reason)
    case .active: try move(to: .idle, reason: Inactivity.reason)
    case .idle: try move(to: .terminated, reason: Inactivity.reason)
    case .completed, .error, .terminated: break
    }
  }
}
