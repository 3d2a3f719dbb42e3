import Synchronization

/// Who a caller is, once that is proven. A class, since every call of the caller keeps it.
public final class Identity: Sendable {
  /// The caller's name, for logs: a token's, or a certificate's subject.
  public let name: String
  /// What the caller may do, such as `operator`.
  public let role: String
  /// When the proof stops being one; nil for never.
  public let expires: MonotonicInstant?

  /// An identity.
  public init(name: String, role: String, expires: MonotonicInstant? = nil) {
    self.name = name
    self.role = role
    self.expires = expires
  }
}

/// Remembers whose a proof is, so that the calls that come with the same one are not looked up each.
final class IdentityMemo: Sendable {
  private let known = Mutex<(identity: Identity, revision: UInt64)?>(nil)

  /// What was found as of `revision` of the list that knows; else what `find` says, which is then remembered. Nil is
  /// not remembered.
  func identity(revision: UInt64, find: () -> Identity?) -> Identity? {
    if let known = known.withLock({ $0 }), known.revision == revision { return known.identity }
    guard let found = find() else { return nil }
    known.withLock { $0 = (found, revision) }
    return found
  }
}
