/// One limit of a session, read from `name:value`. Names are `[a-z][a-z0-9-]*`.
public struct Constraint: Hashable, Sendable {
  /// What the limit is on.
  public let name: String
  /// The value of a known limit, and the text of any other.
  public let value: Value

  /// What a limit says.
  public enum Value: Hashable, Sendable {
    case memoryBytesMax(Int64)
    case cpuMillicoresMax(Int64)
    case diskBytesMax(Int64)
    case queuedMessagesMax(Int64)
    case timeout(milliseconds: Int64)
    case cpuPriority(CPUPriority)
    case unknown(String)
  }

  /// The values of `cpu-priority`.
  public enum CPUPriority: String, CaseIterable, Hashable, Sendable {
    case low, normal, high
  }

  /// Why a text is no constraint.
  public struct SyntaxError: Error, Hashable, Sendable {
    /// What is allowed, as a sentence without a full stop.
    public let expected: String
  }

  /// Whether the server knows the name and keeps to the limit.
  public var isKnown: Bool {
    if case .unknown = value { false } else { true }
  }

  /// Reads one constraint.
  public static func parse(_ text: String) -> Result<Constraint, SyntaxError> {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), isName(text.utf8[..<colon]) else {
      return .failure(SyntaxError(expected: "a constraint is name:value, its name [a-z][a-z0-9-]*"))
    }
    let name = String(text[..<colon])
    let value = String(text[text.utf8.index(after: colon)...])
    switch name {
    case "max-memory": return make(name, Units.bytes(value).map(Value.memoryBytesMax), "bytes, such as 4gb")
    case "max-cpu": return make(name, Units.millicores(value).map(Value.cpuMillicoresMax), "cores, such as 0.5 or 500m")
    case "max-disk": return make(name, Units.bytes(value).map(Value.diskBytesMax), "bytes, such as 10gb")
    case "max-queue": return make(name, Units.count(value).map(Value.queuedMessagesMax), "a number of messages")
    case "timeout": return make(name, Units.count(value).map(Value.timeout), "a number of milliseconds")
    case "cpu-priority":
      return make(name, CPUPriority(rawValue: value).map(Value.cpuPriority), "low, normal or high")
    default: return .success(Constraint(name: name, value: .unknown(value)))
    }
  }

  private static func make(_ name: String, _ value: Value?, _ expected: String) -> Result<Constraint, SyntaxError> {
    guard let value else { return .failure(SyntaxError(expected: "the value of \(name) is \(expected)")) }
    return .success(Constraint(name: name, value: value))
  }

  private static func isName(_ bytes: Substring.UTF8View) -> Bool {
    guard let first = bytes.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
    return bytes.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte) || byte == UInt8(ascii: "-")
    }
  }
}

extension Constraint {
  /// The `max-queue` among `constraints`; nil when there is none.
  ///
  /// Texts that are no constraints are passed over: they were refused when they came in.
  public static func queuedMessagesMax(in constraints: [String]) -> Int64? {
    // Others need not be read: a resolution looks at those of each target.
    for text in constraints where text.utf8.starts(with: "max-queue:".utf8) {
      if case .success(let constraint) = parse(text), case .queuedMessagesMax(let limit) = constraint.value {
        return limit
      }
    }
    return nil
  }
}

extension ResourceAllocation {
  /// The first of `constraints` that allows less than this allocation, as an error; nil when all are kept.
  ///
  /// Texts that are no constraints are passed over: they were refused when they came in.
  public func violation(of constraints: [String]) -> SessionError? {
    for text in constraints {
      guard case .success(let constraint) = Constraint.parse(text) else { continue }
      let (allocated, allowed): (Int64, Int64)
      switch constraint.value {
      case .memoryBytesMax(let limit): (allocated, allowed) = (memoryBytes, limit)
      case .cpuMillicoresMax(let limit): (allocated, allowed) = (cpuMillicores, limit)
      case .diskBytesMax(let limit): (allocated, allowed) = (diskBytes, limit)
      case .queuedMessagesMax, .timeout, .cpuPriority, .unknown: continue
      }
      if allocated > allowed {
        return .constraintExceeded(constraint: constraint.name, allocated: allocated, allowed: allowed)
      }
    }
    return nil
  }
}
