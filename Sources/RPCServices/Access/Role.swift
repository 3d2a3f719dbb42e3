/// What a caller may do. Each role may do what the roles before it may.
public enum Role: String, Sendable, CaseIterable {
  /// Looks.
  case reader
  /// Changes.
  case `operator`
  /// Also does what concerns everybody at once.
  case admin
}

extension Role: Comparable {
  private var rank: Int {
    switch self {
    case .reader: 0
    case .operator: 1
    case .admin: 2
    }
  }

  /// Orders by what may be done.
  public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}
