/// What all allocations together may come to; nil for no limit.
public struct ResourceCapacity: Hashable, Sendable {
  /// Memory in bytes.
  public var memoryBytes: Int64?
  /// Processor time in thousandths of a core.
  public var cpuMillicores: Int64?
  /// Disk space in bytes.
  public var diskBytes: Int64?

  /// No limits.
  public init() {}

  /// What is missing when, of all `allocated`, one allocation is replaced; nil when there is enough.
  ///
  /// No sum passes `Int64.max`. What does not grow is never refused, whatever the limit was before.
  public func shortage(
    replacing old: ResourceAllocation?, with new: ResourceAllocation?, of allocated: ResourceAllocation
  ) -> CapacityShortage? {
    func shortage(
      _ setting: String, _ capacity: Int64?, _ resource: KeyPath<ResourceAllocation, Int64>
    ) -> CapacityShortage? {
      let (old, new) = (old?[keyPath: resource] ?? 0, new?[keyPath: resource] ?? 0)
      let available = (capacity ?? .max) - (allocated[keyPath: resource] - old)
      guard new > old, new > available else { return nil }
      return CapacityShortage(
        setting: setting, requested: new, available: max(0, available), capacity: capacity ?? .max)
    }
    return shortage("capacityMemory", memoryBytes, \.memoryBytes)
      ?? shortage("capacityCpu", cpuMillicores, \.cpuMillicores)
      ?? shortage("capacityDisk", diskBytes, \.diskBytes)
  }
}

/// Why an allocation does not fit beside the others. Bytes, or thousandths of a core.
public struct CapacityShortage: Hashable, Sendable {
  /// The setting that says how much there is.
  public let setting: String
  /// What the session was to have.
  public let requested: Int64
  /// What the others leave.
  public let available: Int64
  /// What there is for all.
  public let capacity: Int64

  /// Makes a shortage.
  public init(setting: String, requested: Int64, available: Int64, capacity: Int64) {
    self.setting = setting
    self.requested = requested
    self.available = available
    self.capacity = capacity
  }
}
