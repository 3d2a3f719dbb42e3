/// Resources to allocate, as people write them.
public struct ResourceDraft: Hashable, Sendable {
  /// Bytes, such as `512m`; empty for none.
  public var memory: String
  /// Cores, such as `0.5` or `500m`; empty for none.
  public var cpu: String
  /// Bytes, such as `1.5g`; empty for none.
  public var disk: String

  /// Makes a draft; what is not named is empty.
  public init(memory: String = "", cpu: String = "", disk: String = "") {
    self.memory = memory
    self.cpu = cpu
    self.disk = disk
  }

  /// The resources as the server counts them, and everything that is wrong with them.
  public func check() -> Checked<ResourceAllocation> {
    var checker = FieldChecker()
    let resources = ResourceAllocation(
      memoryBytes: checker.check(bytes: memory, path: "resources.memory"),
      cpuMillicores: checker.check(millicores: cpu, path: "resources.cpu"),
      diskBytes: checker.check(bytes: disk, path: "resources.disk"))
    return Checked(value: resources, parentID: nil, violations: checker.violations)
  }
}

extension FieldChecker {
  fileprivate mutating func check(bytes text: String, path: String) -> Int64 {
    guard !text.isEmpty else { return 0 }
    if let bytes = Units.bytes(text) { return bytes }
    refuse(path, "bytes, such as 512m, 1.5g or 512Mi")
    return 0
  }

  fileprivate mutating func check(millicores text: String, path: String) -> Int64 {
    guard !text.isEmpty else { return 0 }
    if let millicores = Units.millicores(text) { return millicores }
    refuse(path, "cores, such as 2, 0.5 or 500m")
    return 0
  }
}
