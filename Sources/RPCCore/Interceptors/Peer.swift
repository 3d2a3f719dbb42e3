/// The other end of a connection. A class, since every call of the connection keeps it.
public final class Peer: Sendable {
  /// Its address, such as `127.0.0.1:51000`, or `in-process`.
  public let address: String
  /// The subject of the certificate that it proved to own, as RFC 4514 writes it, such as `CN=agent-7,O=fleet`; nil
  /// without one.
  public let certificateSubject: String?

  /// A peer.
  public init(address: String, certificateSubject: String? = nil) {
    self.address = address
    self.certificateSubject = certificateSubject
  }
}

/// Who a caller is, once that is proven.
public struct Identity: Sendable, Hashable {
  /// The caller's name, for logs: a token's, or a certificate's subject.
  public let name: String
  /// What the caller may do, such as `operator`.
  public let role: String

  /// An identity.
  public init(name: String, role: String) {
    self.name = name
    self.role = role
  }
}
