public import RPCCore

/// What each method asks of its callers, all in one place. A method that is not named is for admins, so that
/// forgetting one closes it.
public struct AccessPolicy: Sendable {
  /// What a method asks.
  public enum Requirement: Sendable, Hashable {
    /// Nothing.
    case nothing
    /// This role, or a higher one.
    case role(Role)
  }

  let requirements: [MethodDescriptor: Requirement]

  /// A policy of methods that are for anybody, and of those for each role.
  public init(
    anybody: [MethodDescriptor] = [], reader: [MethodDescriptor] = [], operator: [MethodDescriptor] = [],
    admin: [MethodDescriptor] = []
  ) {
    var requirements: [MethodDescriptor: Requirement] = [:]
    // The stricter holds for a method that is named twice.
    for method in anybody { requirements[method] = .nothing }
    for method in reader { requirements[method] = .role(.reader) }
    for method in `operator` { requirements[method] = .role(.operator) }
    for method in admin { requirements[method] = .role(.admin) }
    self.requirements = requirements
  }

  /// Whether it names `method`.
  public func names(_ method: MethodDescriptor) -> Bool { requirements[method] != nil }

  /// What `method` asks.
  public func requirement(of method: MethodDescriptor) -> Requirement { requirements[method] ?? .role(.admin) }
}
