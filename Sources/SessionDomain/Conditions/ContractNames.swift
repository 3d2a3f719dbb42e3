/// An enumeration of the contract whose values have a short name, such as `ACTIVE`, and a full one with a prefix in
/// front, such as `SESSION_STATUS_ACTIVE`.
public protocol ContractNamed: CaseIterable {
  /// What the full names begin with, in upper case.
  static var contractPrefix: String { get }
  /// The short name in upper case.
  var contractName: String { get }
}

extension ContractNamed {
  /// The value with this short or full name, in any case.
  public init?(contractName: String) {
    let upper = contractName.uppercased()
    let short = upper.hasPrefix(Self.contractPrefix) ? String(upper.dropFirst(Self.contractPrefix.count)) : upper
    guard let value = Self.allCases.first(where: { $0.contractName == short }) else { return nil }
    self = value
  }

  /// All short names, for an error message.
  static var contractNames: String { allCases.map(\.contractName).joined(separator: ", ") }
}

extension SessionType: ContractNamed {
  /// What the full names begin with.
  public static var contractPrefix: String { "SESSION_TYPE_" }
  /// The short name, such as `DIRECTOR`.
  public var contractName: String { description.uppercased() }
}

extension SessionStatus: ContractNamed {
  /// What the full names begin with.
  public static var contractPrefix: String { "SESSION_STATUS_" }
  /// The short name, such as `ACTIVE`.
  public var contractName: String { description.uppercased() }
}
