public import RPCCore

/// Lets a call begin if its caller has the role that its method asks for. Sets the call's identity.
public struct AccessInterceptor: ServerInterceptor {
  private let control: AccessControl
  private let policy: AccessPolicy

  /// Lets in whom `control` knows, as `policy` says.
  public init(_ control: AccessControl, policy: AccessPolicy) {
    self.control = control
    self.policy = policy
  }

  /// The check of one method's callers. Calls that no method has are refused as they are, whoever calls.
  public func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? {
    guard let method, case .role(let role) = policy.requirement(of: method) else { return nil }
    return RoleCheck(control, needed: role)
  }
}

private final class RoleCheck: CallInterceptor {
  private let control: AccessControl
  private let needed: Role
  // Comparing short texts costs less than finding the role that one of them names.
  private let sufficient: [String]

  init(_ control: AccessControl, needed: Role) {
    self.control = control
    self.needed = needed
    sufficient = Role.allCases.filter { $0 >= needed }.map(\.rawValue)
  }

  var interest: CallInterest { .begins }

  func begins(_ call: ServerContext) throws {
    let identity = try control.identity(of: call)
    let isSufficient = sufficient.contains(identity.role)
    call.identify(as: consume identity)
    if !isSufficient, let identity = call.identity {
      throw control.denial(identity, needed: needed, method: call.method)
    }
  }
}
