/// How urgent a message is. Raw values are the contract's numbers.
public enum MessagePriority: Int32, CaseIterable, Hashable, Comparable, Sendable {
  case low = 1
  case normal = 2
  case high = 3
  case critical = 4

  /// Orders priorities by urgency.
  public static func < (left: Self, right: Self) -> Bool {
    left.rawValue < right.rawValue
  }
}
