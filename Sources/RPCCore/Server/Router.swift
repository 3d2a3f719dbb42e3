import Glibc

/// Finds the method of a `:path`. Built once, then only read.
public struct Router: Sendable {
  // Open addressing over a power of two of slots, half of them free, so that a look-up hashes a few of the path's
  // bytes where they lie and compares once. Slots hold no references, which would be counted on each look.
  private struct Slot: Sendable {
    var pathStart = 0
    var pathBytes = 0
    // -1 in a free slot.
    var method = -1
  }

  private var slots: [Slot]
  private var paths: [UInt8] = []
  private let methods: [ServerMethod]
  private let mask: Int
  private let services: Set<String>
  /// Stands for the method of calls that no method has: it has no name, answers nothing, and says what is done around
  /// them.
  public let unknownMethod: ServerMethod

  /// Routes to the methods of `services`, each with what `interceptors` do for it. Of methods with the same path, the
  /// last wins.
  public init(_ services: [any RPCService], interceptors: [any ServerInterceptor] = []) {
    methods = services.flatMap(\.methods).map { $0.intercepted(by: interceptors) }
    unknownMethod = ServerMethod(
      MethodDescriptor(path: ""), .oneRequest { _, _, _ in throw RPCError(.unimplemented, "unknown method") },
      interceptors: CallInterceptors(interceptors.compactMap { $0.interceptor(for: nil) }))
    var size = 16
    while size < methods.count * 2 { size *= 2 }
    slots = Array(repeating: Slot(), count: size)
    mask = size - 1
    self.services = Set(methods.map(\.descriptor.service))
    for (number, method) in methods.enumerated() {
      let path = Array(method.descriptor.path.utf8)
      let index = path.withUnsafeBytes { place(of: $0) }
      if slots[index].method < 0 {
        slots[index] = Slot(pathStart: paths.count, pathBytes: path.count)
        paths += path
      }
      slots[index].method = number
    }
  }

  /// The method of `path`, or nil.
  public func method(for path: UnsafeRawBufferPointer) -> ServerMethod? {
    let number = slots[place(of: path)].method
    return number < 0 ? nil : methods[number]
  }

  // Where `path` is, or would be.
  private func place(of path: UnsafeRawBufferPointer) -> Int {
    var index = slot(of: path)
    while slots[index].method >= 0, !holds(slots[index], path) { index = (index + 1) & mask }
    return index
  }

  private func holds(_ slot: Slot, _ path: UnsafeRawBufferPointer) -> Bool {
    guard slot.pathBytes == path.count, let base = path.baseAddress else { return false }
    return paths.withUnsafeBytes { paths in
      guard let start = paths.baseAddress else { return false }
      return memcmp(start + slot.pathStart, base, path.count) == 0
    }
  }

  /// UNIMPLEMENTED, saying whether the service or only its method is unknown.
  public func refusal(of path: String) -> RPCError {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].isEmpty else {
      return RPCError(.unimplemented, "malformed method name \"\(path)\"; expected /service/method")
    }
    return services.contains(String(parts[1]))
      ? RPCError(.unimplemented, "unknown method \(parts[2]) for service \(parts[1])")
      : RPCError(.unimplemented, "unknown service \(parts[1])")
  }

  // The length and the last bytes: paths differ at their end.
  private func slot(of path: UnsafeRawBufferPointer) -> Int {
    var hash = UInt64(truncatingIfNeeded: path.count)
    var offset = max(0, path.count - 16)
    while path.count - offset >= 8 {
      hash = (hash ^ path.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
      offset += 8
    }
    for byte in path[offset...] { hash = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15 }
    return Int(truncatingIfNeeded: hash >> 32) & mask
  }
}
