/// How a session is shut down that may finish what it has.
public struct GracefulShutdown: Hashable, Sendable {
  /// Why; empty means "normal".
  public var reason: String
  /// How long it may take.
  public var timeout: Duration
  /// Whether the sessions below it are shut down first, the deepest first, within the same time.
  public var cascade: Bool

  /// Makes a shutdown.
  public init(reason: String = "", timeout: Duration = .seconds(30), cascade: Bool = false) {
    self.reason = reason
    self.timeout = timeout
    self.cascade = cascade
  }

  /// Everything that is wrong with it.
  public func violations() -> [FieldViolation] {
    FieldViolation.of(timeout: timeout) + ShutdownReason.violations(of: reason)
  }
}

extension FieldViolation {
  static func of(timeout: Duration) -> [FieldViolation] {
    timeout < .zero ? [FieldViolation(path: "timeout", description: "a timeout is not negative")] : []
  }
}
