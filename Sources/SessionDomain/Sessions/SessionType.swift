/// The role a session plays in a workflow. Raw values are the contract's numbers.
public enum SessionType: Int32, CaseIterable, Hashable, Sendable {
  case director = 1
  case department = 2
  case observer = 3
  case active = 4
}

extension SessionType: CustomStringConvertible {
  /// The lower-case name, such as "director".
  public var description: String {
    switch self {
    case .director: "director"
    case .department: "department"
    case .observer: "observer"
    case .active: "active"
    }
  }
}
