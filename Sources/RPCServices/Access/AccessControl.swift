import RPCCore
import Synchronization

/// Knows callers by their tokens and certificates. Who is known can be replaced while calls are made: what holds is
/// what was known when a call began.
public final class AccessControl: Sendable {
  private struct Known: Sendable {
    let tokens: [TokenHash: AccessFile.Token]
    let roles: [String: Role]

    init(_ file: AccessFile) {
      // An access file has each once.
      tokens = Dictionary(file.tokens.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
      roles = Dictionary(file.certificates.map { ($0.subject, $0.role) }, uniquingKeysWith: min)
    }
  }

  private let known: Mutex<Known>
  // Counts the replacements. Callers whom an earlier list knew are looked up again.
  private let revision = Atomic<UInt64>(1)
  private let domain: String
  private let unixTime: @Sendable () -> Int

  /// Knows whom `file` names. Refusals carry an ErrorInfo of `domain`; `unixTime` tells the seconds since 1970 in UTC.
  public init(_ file: AccessFile, domain: String, unixTime: @escaping @Sendable () -> Int) {
    known = Mutex(Known(file))
    self.domain = domain
    self.unixTime = unixTime
  }

  /// Knows whom `file` names from now on, and nobody else.
  public func replace(with file: AccessFile) {
    let next = Known(file)
    known.withLock { $0 = next }
    // Only after the list: what is found by the old number in the new list is looked up once more, and not kept wrong.
    revision.add(1, ordering: .releasing)
  }

  /// Who makes `call`: the bearer of its token, or else the owner of its connection's certificate. A wrong token is
  /// refused whatever the certificate.
  /// - Throws: `RPCError`, UNAUTHENTICATED.
  func identity(of call: ServerContext) throws -> Identity {
    let revision = revision.load(ordering: .acquiring)
    if let credentials = call.credentials {
      guard let identity = credentials.identity(revision: revision, find: { bearer(of: $0, at: call.start) }) else {
        throw refusal("INVALID_TOKEN", "authorization is not a Bearer token that is known here")
      }
      if let expires = identity.expires, expires <= call.start {
        throw refusal("TOKEN_EXPIRED", "the token has expired", ["name": identity.name])
      }
      return identity
    }
    guard let subject = call.peer.certificateSubject else {
      throw refusal("MISSING_CREDENTIALS", "this method needs authorization: Bearer TOKEN, or a client certificate")
    }
    guard let identity = call.peer.identity(revision: revision, find: { owner(of: subject) }) else {
      throw refusal("UNKNOWN_CERTIFICATE", "the subject of the client certificate has no role", ["subject": subject])
    }
    return identity
  }

  private func bearer(of credentials: Credentials, at start: MonotonicInstant) -> Identity? {
    guard let text = credentials.bearerToken else { return nil }
    let hash = TokenHash(of: text)
    guard let token = known.withLock({ $0.tokens[hash] }) else { return nil }
    let expires = token.expires.map { start + .seconds($0 - unixTime()) }
    return Identity(name: token.name, role: token.role.rawValue, expires: expires)
  }

  private func owner(of subject: String) -> Identity? {
    known.withLock { $0.roles[subject] }.map { Identity(name: subject, role: $0.rawValue) }
  }

  private func refusal(_ reason: String, _ message: String, _ metadata: [String: String] = [:]) -> RPCError {
    RPCError(.unauthenticated, message, details: [.info(reason: reason, domain: domain, metadata: metadata)])
  }

  /// PERMISSION_DENIED to a caller who is known.
  func denial(_ identity: Identity, needed: Role, method: MethodDescriptor) -> RPCError {
    RPCError(
      .permissionDenied, "\(method) needs the role \(needed.rawValue); \(identity.name) has \(identity.role)",
      details: [
        .info(
          reason: "ROLE_REQUIRED", domain: domain,
          metadata: ["role": identity.role, "required": needed.rawValue, "method": method.path])
      ])
  }
}
