/// How well a session is.
public enum SessionHealth: Hashable, Sendable {
  /// Nothing is known against it.
  case healthy
  /// It should get no work; `reason` says why, as the end of a sentence about it.
  case unhealthy(reason: String)
}

/// Looks how well sessions are.
public protocol HealthLook: Sendable {
  /// How well the session is now. Must not wait.
  func health(of session: Session) -> SessionHealth
}

/// Tells the health by the status alone.
public struct StatusHealth: HealthLook {
  /// Makes the look.
  public init() {}

  /// Unhealthy in `error` and `terminated`.
  public func health(of session: Session) -> SessionHealth {
    switch session.status {
    case .error, .terminated: .unhealthy(reason: "is in \(session.status.description.uppercased())")
    case .initializing, .active, .idle, .completed: .healthy
    }
  }
}
