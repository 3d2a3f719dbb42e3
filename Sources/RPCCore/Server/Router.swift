import Glibc

/// Finds the method of a `:path`. Built once, then only read.
public struct Router: Sendable {
  // Open addressing over a power of two of slots, half of them free, so that a look-up hashes a few of the path's
  // bytes where they lie and compares once.
  private struct Slot: Sendable {
    let path: [UInt8]
    let method: ServerMethod
  }

  private var slots: [Slot?]
  private let mask: Int
  private let services: Set<String>
  /// What is done for calls that no method has.
  public let fallbackInterceptors: [any CallInterceptor]

  /// Routes to the methods of `services`, each with what `interceptors` do for it. Of methods with the same path, the
  /// last wins.
  public init(_ services: [any RPCService], interceptors: [any ServerInterceptor] = []) {
    let methods = services.flatMap(\.methods).map { $0.intercepted(by: interceptors) }
    fallbackInterceptors = interceptors.compactMap { $0.interceptor(for: nil) }
    var size = 16
    while size < methods.count * 2 { size *= 2 }
    slots = Array(repeating: nil, count: size)
    mask = size - 1
    self.services = Set(methods.map(\.descriptor.service))
    for method in methods {
      let path = Array(method.descriptor.path.utf8)
      var index = path.withUnsafeBytes { slot(of: $0) }
      while let taken = slots[index], taken.path != path { index = (index + 1) & mask }
      slots[index] = Slot(path: path, method: method)
    }
  }

  /// The method of `path`, or nil.
  public func method(for path: UnsafeRawBufferPointer) -> ServerMethod? {
    var index = slot(of: path)
    while let candidate = slots[index] {
      if candidate.path.count == path.count, candidate.path.withUnsafeBytes({ equal($0, path) }) {
        return candidate.method
      }
      index = (index + 1) & mask
    }
    return nil
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

  // Both of the same length.
  private func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard let left = left.baseAddress, let rightBase = right.baseAddress else { return true }
    return memcmp(left, rightBase, right.count) == 0
  }
}
