public import NIOCore

/// What protects a server's connections.
public enum ServerSecurity: Sendable {
  /// Nothing; connections come from this machine only.
  case plaintextOnLoopback
  /// Nothing, whoever may listen on the way: for networks that protect by themselves, such as a service mesh.
  case plaintext
  /// TLS.
  case tls(ServerTLS)

  func checkListening(on address: SocketAddress) throws {
    switch self {
    case .plaintextOnLoopback: if !address.isLoopback { throw PlaintextRefused(address: address) }
    case .plaintext, .tls: break
    }
  }
}

/// A server was to listen in plaintext where others could listen in.
public struct PlaintextRefused: Error, CustomStringConvertible {
  /// The address.
  public let address: SocketAddress

  /// That it is neither loopback nor TLS.
  public var description: String { "\(address) is not a loopback address, and there is no TLS" }
}

extension SocketAddress {
  /// Whether only this machine reaches it: 127.0.0.0/8 (RFC 1122 section 3.2.1.3), `::1` (RFC 4291 section 2.5.3), the
  /// former mapped into IPv6 (section 2.5.5.2), and Unix sockets.
  var isLoopback: Bool {
    switch self {
    case .v4(let address): withUnsafeBytes(of: address.address.sin_addr) { $0.first == 127 }
    case .v6(let address):
      withUnsafeBytes(of: address.address.sin6_addr) { bytes in
        let zeros = bytes.prefix { $0 == 0 }.count
        return zeros == 15 && bytes[15] == 1
          || zeros == 10 && bytes[10] == 0xFF && bytes[11] == 0xFF && bytes[12] == 127
      }
    case .unixDomainSocket: true
    }
  }
}
