/// A move of a session to another workspace.
public struct Migration: Hashable, Sendable {
  /// The absolute path to work in from now on.
  public var workspace: String
  /// Whether metadata, queue, registration and counters stay; without it they start afresh.
  public var preservesState: Bool
  /// How long to wait for messages in delivery.
  public var timeout: Duration

  /// Makes a migration.
  public init(workspace: String, preservesState: Bool, timeout: Duration = .seconds(60)) {
    self.workspace = workspace
    self.preservesState = preservesState
    self.timeout = timeout
  }

  /// Everything that is wrong with it.
  public func violations() -> [FieldViolation] {
    var checker = FieldChecker(prefix: "")
    checker.check(workspace: workspace)
    return checker.violations + FieldViolation.of(timeout: timeout)
  }

  /// Why messages and a registration end that are not kept.
  public static let reason = "migrated"
}
