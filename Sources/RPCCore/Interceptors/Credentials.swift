/// The `authorization` of a call. Calls of one connection that send the same get the same object, so that what was
/// found out about it once is kept with it. Its text is secret: it has no description.
public final class Credentials: Sendable {
  private let authorization: [UInt8]
  private let memo = IdentityMemo()

  /// The value of an `authorization` header.
  public init(authorization: some Sequence<UInt8>) { self.authorization = Array(authorization) }

  /// The token of `Bearer TOKEN`; nil for another scheme.
  public var bearerToken: ArraySlice<UInt8>? {
    // The scheme's case does not matter (RFC 9110 section 11.1).
    let scheme = Array("bearer ".utf8)
    guard authorization.count > scheme.count, zip(authorization, scheme).allSatisfy({ $0 | 0x20 == $1 }) else {
      return nil
    }
    return authorization[scheme.count...].drop { $0 == UInt8(ascii: " ") }
  }

  /// Whether these are the bytes of `other`, in a time that tells nothing about where they differ.
  public func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
    authorization.withUnsafeBytes { $0.isEqualInConstantTime(to: other) }
  }

  /// Who these credentials are known to be, as of `revision` of the list that knows; else what `find` says, which is
  /// then remembered. Nil is not remembered.
  public func identity(revision: UInt64, find: (Credentials) -> Identity?) -> Identity? {
    memo.identity(revision: revision) { find(self) }
  }
}
