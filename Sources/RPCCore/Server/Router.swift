/// Finds the method of a `:path`. Built once, then only read.
public struct Router: Sendable {
  // Open addressing over a power of two of slots, half of them free, so that a look-up hashes the path's bytes
  // where they lie and compares once.
  private var slots: [ServerMethod?]
  private let mask: Int
  private let services: Set<String>

  /// Routes to the methods of `services`. Of methods with the same path, the last wins.
  public init(_ services: [any RPCService]) {
    let methods = services.flatMap(\.methods)
    var size = 16
    while size < methods.count * 2 { size *= 2 }
    slots = Array(repeating: nil, count: size)
    mask = size - 1
    self.services = Set(methods.map(\.descriptor.service))
    for method in methods {
      var path = method.descriptor.path
      path.withUTF8 { utf8 in
        var index = slot(of: UnsafeRawBufferPointer(utf8))
        while let taken = slots[index], taken.descriptor != method.descriptor { index = (index + 1) & mask }
        slots[index] = method
      }
    }
  }

  /// The method of `path`, or nil.
  public func method(for path: UnsafeRawBufferPointer) -> ServerMethod? {
    var index = slot(of: path)
    while let candidate = slots[index] {
      if equal(candidate.descriptor.path, path) { return candidate }
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

  // FNV-1a.
  private func slot(of path: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in path { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
  }

  private func equal(_ text: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
    var text = text
    return text.withUTF8 { $0.count == bytes.count && $0.elementsEqual(bytes) }
  }
}
