/// Why sessions are shut down, as the caller or else the kind of shutdown says.
public enum ShutdownReason {
  /// For a graceful shutdown.
  public static let normal = "normal"
  /// For a forced shutdown or deletion.
  public static let forced = "forced"
  /// For the shutdown of everything.
  public static let emergency = "emergency"

  /// Everything that is wrong with a reason; an empty one stands for its kind's.
  public static func violations(of reason: String) -> [FieldViolation] {
    var checker = FieldChecker(prefix: "")
    checker.check(reason: reason, path: "reason")
    return checker.violations
  }
}
