import ProtobufC
import RPCCore
import RPCServices
import RPCTestSupport
import Synchronization
import Testing

private let readMethod = MethodDescriptor.test("Read")
private let changeMethod = MethodDescriptor.test("Change")
private let endMethod = MethodDescriptor.test("End")
private let openMethod = MethodDescriptor.test("Open")
private let forgottenMethod = MethodDescriptor.test("Forgotten")

private let now = 1_800_000_000

private func line(_ name: String, _ role: Role, _ token: String, expires: Int? = nil) throws -> String {
  var file = AccessFile()
  let hash = TokenHash(of: token.utf8)
  _ = file.add(try #require(AccessFile.Token(name: name, role: role, hash: hash, expires: expires)))
  return file.text
}

/// A list of one token and one certificate for each role.
private struct Fixture {
  let control: AccessControl
  private let interceptor: AccessInterceptor
  private let start = MonotonicInstant.now

  init(_ more: String = "") throws {
    let file = try AccessFile(parsing: Self.roles() + more)
    control = AccessControl(file, domain: "test", unixTime: { now })
    interceptor = AccessInterceptor(
      control,
      policy: AccessPolicy(
        anybody: [openMethod], reader: [readMethod], operator: [changeMethod], admin: [endMethod]))
  }

  static func roles() throws -> String {
    try Role.allCases.map {
      try line("the-\($0.rawValue)", $0, "token-\($0.rawValue)") + "certificate \($0.rawValue) CN=\($0.rawValue)\n"
    }.joined()
  }

  /// What becomes of a call: its identity, or its refusal.
  func call(
    _ method: MethodDescriptor = readMethod, _ credentials: Credentials? = nil, peer: Peer = Peer(address: "test"),
    after time: Duration = .zero
  ) throws -> Identity? {
    let id = CallID(connection: CallID.Connection(), stream: 1)
    let context = ServerContext(method: method, start: start + time, peer: peer, id: id, credentials: credentials)
    try interceptor.interceptor(for: method)?.begins(context)
    return context.identity
  }

  func refusal(
    _ method: MethodDescriptor = readMethod, _ credentials: Credentials? = nil, peer: Peer = Peer(address: "test"),
    after time: Duration = .zero
  ) throws -> Refusal {
    let thrown = #expect(throws: RPCError.self) { try call(method, credentials, peer: peer, after: time) }
    return try Refusal(try #require(thrown))
  }
}

private struct Refusal: Equatable {
  let code: StatusCode
  let reason: String
  let metadata: [String: String]

  init(_ code: StatusCode, _ reason: String, _ metadata: [String: String] = [:]) {
    self.code = code
    self.reason = reason
    self.metadata = metadata
  }

  init(_ error: RPCError) throws {
    let bytes = try #require(error.trailers[binary: "grpc-status-details-bin"])
    let status = try bytes.withUnsafeBytes { try Google_Rpc_Status(decoding: $0) }
    let detail = try #require(status.details.first)
    let info = try detail.value.withUnsafeBytes { try Google_Rpc_ErrorInfo(decoding: $0) }
    #expect(info.domain == "test")
    #expect(!error.message.contains("token-"))
    self.init(error.code, info.reason, info.metadata)
  }
}

private func bearer(_ token: String) -> Credentials { Credentials(authorization: "Bearer \(token)".utf8) }

private func certificate(_ subject: String) -> Peer { Peer(address: "test", certificateSubject: subject) }

@Suite struct AccessInterceptorTests {
  @Test(
    "A role may do what it and those below it may",
    arguments: [
      (Role.reader, [readMethod]), (.operator, [readMethod, changeMethod]),
      (.admin, [readMethod, changeMethod, endMethod, forgottenMethod]),
    ])
  func roles(role: Role, allowed: [MethodDescriptor]) throws {
    let fixture = try Fixture()
    for method in [readMethod, changeMethod, endMethod, forgottenMethod] {
      let ways = [(bearer("token-\(role.rawValue)"), Peer(address: "test")), (nil, certificate("CN=\(role.rawValue)"))]
      for (credentials, peer) in ways {
        if allowed.contains(method) {
          let identity = try fixture.call(method, credentials, peer: peer)
          #expect(identity?.role == role.rawValue)
          #expect(identity?.name == (credentials == nil ? "CN=\(role.rawValue)" : "the-\(role.rawValue)"))
        } else {
          let required = method == changeMethod ? "operator" : "admin"
          let expected = Refusal(
            .permissionDenied, "ROLE_REQUIRED",
            ["role": role.rawValue, "required": required, "method": method.path])
          #expect(try fixture.refusal(method, credentials, peer: peer) == expected)
        }
      }
    }
  }

  @Test func whatIsForAnybodyAsksNothing() throws {
    let fixture = try Fixture()
    #expect(try fixture.call(openMethod) == nil)
    #expect(try fixture.call(openMethod, bearer("wrong")) == nil)
  }

  @Test func aCallerWithoutProofIsTold() throws {
    #expect(try Fixture().refusal() == Refusal(.unauthenticated, "MISSING_CREDENTIALS"))
  }

  @Test(
    "What is no known token is refused, whatever the certificate",
    arguments: [
      "Bearer token-nobody", "Bearer token-reader ", "Bearer ", "Bearer", "Basic token-reader", "token-reader", "",
    ])
  func wrongToken(authorization: String) throws {
    let fixture = try Fixture()
    let credentials = Credentials(authorization: authorization.utf8)
    for peer in [Peer(address: "test"), certificate("CN=admin")] {
      #expect(try fixture.refusal(readMethod, credentials, peer: peer) == Refusal(.unauthenticated, "INVALID_TOKEN"))
    }
  }

  @Test func aTokenGoesBeforeACertificate() throws {
    let fixture = try Fixture()
    let identity = try fixture.call(readMethod, bearer("token-reader"), peer: certificate("CN=admin"))
    #expect(identity?.name == "the-reader")
  }

  @Test func aCertificateWithoutARoleIsToldItsSubject() throws {
    let expected = Refusal(.unauthenticated, "UNKNOWN_CERTIFICATE", ["subject": "CN=stranger"])
    #expect(try Fixture().refusal(peer: certificate("CN=stranger")) == expected)
  }

  @Test func theSchemeMayBeInAnyCase() throws {
    let credentials = Credentials(authorization: "bEARER   token-reader".utf8)
    #expect(try Fixture().call(readMethod, credentials)?.name == "the-reader")
  }

  @Test func aTokenExpiresWhileItsConnectionGoesOn() throws {
    let fixture = try Fixture(line("guest", .reader, "token-guest", expires: now + 60))
    let credentials = bearer("token-guest")
    #expect(try fixture.call(readMethod, credentials)?.name == "guest")
    #expect(try fixture.call(readMethod, credentials, after: .seconds(59))?.name == "guest")
    let expired = Refusal(.unauthenticated, "TOKEN_EXPIRED", ["name": "guest"])
    #expect(try fixture.refusal(readMethod, credentials, after: .seconds(60)) == expired)
  }

  @Test("A token that has expired is refused from the start", arguments: [now, now - 1, 0])
  func expired(at time: Int) throws {
    let fixture = try Fixture(line("guest", .reader, "token-guest", expires: time))
    let expected = Refusal(.unauthenticated, "TOKEN_EXPIRED", ["name": "guest"])
    for _ in 0..<2 { #expect(try fixture.refusal(readMethod, bearer("token-guest")) == expected) }
  }

  @Test func aTokenWithoutAnEndIsValidForEver() throws {
    let identity = try Fixture().call(readMethod, bearer("token-reader"), after: .seconds(3_000_000_000))
    #expect(identity?.expires == nil)
  }

  @Test func anotherListHoldsForConnectionsThatAreOpen() throws {
    let fixture = try Fixture()
    let (token, owner) = (bearer("token-operator"), certificate("CN=operator"))
    #expect(try fixture.call(changeMethod, token) != nil)
    #expect(try fixture.call(changeMethod, peer: owner) != nil)
    fixture.control.replace(
      with: try AccessFile(parsing: line("demoted", .reader, "token-operator") + "certificate reader CN=operator"))
    #expect(try fixture.refusal(changeMethod, token).reason == "ROLE_REQUIRED")
    #expect(try fixture.refusal(changeMethod, peer: owner).reason == "ROLE_REQUIRED")
    #expect(try fixture.call(readMethod, token)?.name == "demoted")
    fixture.control.replace(with: AccessFile())
    #expect(try fixture.refusal(readMethod, token).reason == "INVALID_TOKEN")
    #expect(try fixture.refusal(peer: owner).reason == "UNKNOWN_CERTIFICATE")
    fixture.control.replace(with: try AccessFile(parsing: Fixture.roles()))
    #expect(try fixture.call(changeMethod, token)?.name == "the-operator")
  }

  @Test func aKnownTokenIsNotHashedAgain() {
    let credentials = bearer("token-reader")
    let lookups = Mutex(0)
    func look(_ revision: UInt64) -> Identity? {
      credentials.identity(revision: revision) { _ in
        lookups.withLock { $0 += 1 }
        return Identity(name: "a", role: "reader")
      }
    }
    for revision: UInt64 in [1, 1, 1, 2, 2] { #expect(look(revision)?.name == "a") }
    #expect(lookups.withLock { $0 } == 2)
  }

  @Test func callsThatNoMethodHasAreNotLookedAt() throws {
    let interceptor = AccessInterceptor(
      AccessControl(AccessFile(), domain: "test", unixTime: { now }), policy: AccessPolicy())
    #expect(interceptor.interceptor(for: nil) == nil)
  }
}
