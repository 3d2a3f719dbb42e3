/// The other end of a connection. A class, since every call of the connection keeps it.
public final class Peer: Sendable {
  /// Its address, such as `127.0.0.1:51000`, or `in-process`.
  public let address: String
  /// The subject of the certificate that it proved to own, as RFC 4514 writes it, such as `CN=agent-7,O=fleet`; nil
  /// without one.
  public let certificateSubject: String?
  private let memo = IdentityMemo()

  /// A peer.
  public init(address: String, certificateSubject: String? = nil) {
    self.address = address
    self.certificateSubject = certificateSubject
  }

  /// Who the owner of its certificate is known to be, as of `revision` of the list that knows; else what `find` says,
  /// which is then remembered. Nil is not remembered.
  public func identity(revision: UInt64, find: () -> Identity?) -> Identity? {
    memo.identity(revision: revision, find: find)
  }
}
