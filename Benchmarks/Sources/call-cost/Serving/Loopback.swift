import Foundation

/// Ports of this machine's own address.
enum Loopback {
  /// Files that a server and this program have open besides connections.
  static let otherFiles = 200

  /// Lets this program, and the servers that it starts, have that many connections open.
  static func allow(connections: Int) throws {
    let needed = rlim_t(connections + otherFiles)
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_max >= needed else {
      throw BenchmarkFailure("\(connections) connections need ulimit -Hn \(needed)")
    }
    limit.rlim_cur = max(limit.rlim_cur, needed)
    guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw BenchmarkFailure("\(connections) connections need ulimit -n \(needed)")
    }
  }

  /// A port that was free a moment ago.
  static func freePort() throws -> UInt16 {
    try withSocket { descriptor in
      let bound = withAddress(port: 0) { bind(descriptor, $0, $1) }
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let named = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
      }
      guard bound == 0, named == 0 else { throw BenchmarkFailure("no free port") }
      return UInt16(bigEndian: address.sin_port)
    }
  }

  /// Whether somebody listens there.
  static func accepts(port: UInt16) -> Bool {
    let code = try? withSocket { descriptor in withAddress(port: port) { connect(descriptor, $0, $1) } }
    // Without a socket nobody can be asked: the same as no answer.
    return code == 0
  }

  private static func withSocket<Result>(_ body: (Int32) throws -> Result) throws -> Result {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw BenchmarkFailure("no socket: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    return try body(descriptor)
  }

  static func withAddress<Result>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result)
    -> Result
  {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}
