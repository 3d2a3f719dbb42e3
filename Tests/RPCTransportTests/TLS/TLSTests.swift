import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import RPCCore
import RPCTestSupport
import RPCTransport
import Testing
import X509

extension ServerFixture {
  /// Connects by TLS; `beforeTLS` adds what stands between the socket and TLS.
  fileprivate func connect(
    _ tls: TLSConfiguration, _ state: Observed<HandshakeState> = Observed(HandshakeState()),
    beforeTLS: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void = { _ in }
  ) async throws -> WireClient {
    let context = try NIOSSLContext(configuration: tls)
    return try await .connect(to: address) { pipeline in
      try beforeTLS(pipeline)
      try pipeline.addHandlers(
        NIOSSLClientHandler(context: context, serverHostname: "localhost"), HandshakeObserver(state))
    }
  }

  /// Connects by TLS to be refused: by the handshake, or as soon as it is over.
  fileprivate func connectInVain(_ tls: TLSConfiguration) async throws -> HandshakeState {
    let state = Observed(HandshakeState())
    let client = try await connect(tls, state)
    try await client.state.wait { $0.isClosed }
    return try await state.wait { $0.isClosed }
  }
}

/// The answer to one call, whose text is the subject of the peer's certificate.
private let subjectService = HandMadeService(
  .unary(Calls.unary) { (_: Text, context) in try ServerResponse(Text(context.peer.certificateSubject ?? "nobody")) })

@Suite(.timeLimit(.minutes(5))) struct TLSTests {
  @Test func callsAreAnsweredOverTLS() async throws {
    let files = try ServerFiles()
    let calls = CallRecorder()
    try await withServer(security: .tls(files.load()), configure: { $0.interceptors = [calls] }) { server in
      let state = Observed(HandshakeState())
      let client = try await server.connect(files.client(), state)
      #expect(try await client.call(Calls.unary.path, [Text("hello")]).texts == ["hello"])
      let many = try await client.call(Calls.serverStreaming.path, [Text("20000")])
      #expect(many.texts == (0..<20_000).map { "\($0)" })
      #expect(state.value.negotiated == "h2")
    }
    let peer = try #require(calls.calls.value.first?.call.peer)
    #expect(peer.address.hasPrefix("127.0.0.1:"))
    #expect(peer.certificateSubject == nil)
  }

  @Test func bytesThatComeWithTheEndOfTheHandshakeAreNotLost() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      for _ in 0..<20 {
        let pieces = Observed(0)
        let client = try await server.connect(files.client()) { try $0.addHandler(WriteJoiner(pieces)) }
        #expect(try await client.call(Calls.unary.path, [Text("early")]).texts == ["early"])
        #expect(pieces.value > 1)
      }
    }
  }

  @Test("A peer that does not agree on h2 is closed unheard", arguments: [["http/1.1"], []])
  func otherProtocol(protocols: [String]) async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      let end = try await server.connectInVain(files.client(protocols: protocols))
      #expect(end.isCompleted)
      #expect(end.receivedBytes == 0)
    }
  }

  @Test(
    "Versions before the oldest allowed are refused",
    arguments: [(ServerTLS.Version.tls12, TLSVersion.tlsv11), (.tls12, .tlsv1), (.tls13, .tlsv12)])
  func oldVersion(minimum: ServerTLS.Version, spoken: TLSVersion) async throws {
    var files = try ServerFiles()
    files.configuration.minimumVersion = minimum
    try await withServer(security: .tls(files.load())) { server in
      var client = try files.client()
      client.minimumTLSVersion = .tlsv1
      client.maximumTLSVersion = spoken
      let end = try await server.connectInVain(client)
      #expect(!end.isCompleted)
    }
  }

  @Test func theOldestVersionAllowedIsSpoken() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      var client = try files.client()
      client.maximumTLSVersion = .tlsv12
      #expect(try await server.connect(client).call(Calls.unary.path, [Text("old")]).texts == ["old"])
    }
  }

  @Test(
    "In TLS 1.2 only suites that HTTP/2 allows are spoken",
    arguments: [
      NIOTLSCipher.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
    ])
  func weakSuite(cipher: NIOTLSCipher) async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      var client = try files.client()
      client.maximumTLSVersion = .tlsv12
      client.cipherSuiteValues = [cipher]
      let end = try await server.connectInVain(client)
      #expect(!end.isCompleted)
    }
  }

  @Test func aClientsCertificateNamesItsSubject() async throws {
    var files = try ServerFiles()
    let clients = try Authority("Fleet")
    try files.requireClientCertificates(clients)
    let agent = try clients.issue(
      DistinguishedName {
        OrganizationName("fleet, west")
        CommonName("agent-7")
      })
    try await withServer(subjectService, security: .tls(files.load())) { server in
      let answer = try await server.connect(files.client(as: agent)).call(Calls.unary.path, [Text()])
      #expect(answer.texts == [#"CN=agent-7,O=fleet\, west"#])
    }
  }

  @Test func aRequiredCertificateThatIsMissingEndsTheConnection() async throws {
    var files = try ServerFiles()
    try files.requireClientCertificates(Authority("Fleet"))
    try await withServer(subjectService, security: .tls(files.load())) { server in
      let end = try await server.connectInVain(files.client())
      #expect(end.receivedBytes == 0)
    }
  }

  @Test("A certificate of another authority ends the connection", arguments: [true, false])
  func foreignCertificate(isOptional: Bool) async throws {
    var files = try ServerFiles()
    try files.requireClientCertificates(Authority("Fleet"), optional: isOptional)
    // Of the same name, so that only the signature tells.
    let stranger = try Authority("Fleet").issue(commonName: "agent-7")
    try await withServer(subjectService, security: .tls(files.load())) { server in
      let end = try await server.connectInVain(files.client(as: stranger))
      #expect(end.receivedBytes == 0)
    }
  }

  @Test("Clients are those of the authority that was read last", arguments: [true, false])
  func otherAuthority(isOptional: Bool) async throws {
    var files = try ServerFiles()
    // Of the same name, so that only the signature tells.
    let (before, after) = (try Authority("Fleet"), try Authority("Fleet"))
    let (old, new) = (try before.issue(commonName: "agent-1"), try after.issue(commonName: "agent-2"))
    try files.requireClientCertificates(before, optional: isOptional)
    let tls = try files.load()
    try await withServer(subjectService, security: .tls(tls)) { server in
      let open = try await server.connect(files.client(as: old))
      #expect(try await open.call(Calls.unary.path, [Text()]).texts == ["CN=agent-1"])
      #expect(try await server.connectInVain(files.client(as: new)).receivedBytes == 0)

      try files.requireClientCertificates(after, optional: isOptional)
      try tls.reload()
      let named = try await server.connect(files.client(as: new)).call(Calls.unary.path, [Text()])
      #expect(named.texts == ["CN=agent-2"])
      #expect(try await server.connectInVain(files.client(as: old)).receivedBytes == 0)
      // Whoever was let in stays.
      #expect(try await open.call(Calls.unary.path, [Text()]).texts == ["CN=agent-1"])
    }
  }

  @Test func anExpiredCertificateEndsTheConnection() async throws {
    var files = try ServerFiles()
    let clients = try Authority("Fleet")
    try files.requireClientCertificates(clients)
    let agent = try clients.issue(commonName: "agent-7", validity: (Date.now - 3000)...(Date.now - 2000))
    try await withServer(subjectService, security: .tls(files.load())) { server in
      let end = try await server.connectInVain(files.client(as: agent))
      #expect(end.receivedBytes == 0)
    }
  }

  @Test func anOptionalCertificateMayBeMissing() async throws {
    var files = try ServerFiles()
    let clients = try Authority("Fleet")
    try files.requireClientCertificates(clients, optional: true)
    let agent = try clients.issue(commonName: "agent-7")
    try await withServer(subjectService, security: .tls(files.load())) { server in
      #expect(try await server.connect(files.client()).call(Calls.unary.path, [Text()]).texts == ["nobody"])
      let named = try await server.connect(files.client(as: agent)).call(Calls.unary.path, [Text()])
      #expect(named.texts == ["CN=agent-7"])
    }
  }

  @Test func bytesThatAreNoTLSEndTheConnection() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      let client = try await server.connect()
      try await client.state.wait { $0.isClosed }
    }
  }

  @Test func aHandshakeThatNeverEndsTakesOneConnectionAndDelaysNoShutdown() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load()), configure: { $0.connectionsMax = 1 }) { server in
      let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(to: server.address).get()
      // The server has it once it turns the next one away.
      let end = try await server.connectInVain(files.client())
      #expect(!end.isCompleted)
      try await within { try await server.shutDown(grace: .seconds(3600)) }
      try await silent.closeFuture.get()
    }
  }

  @Test func aConnectionIsClosedWellAtShutdown() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      let client = try await server.connect(files.client())
      let call = try await client.open(Calls.bidirectional.path)
      try call.send(Text("under way"))
      try await call.messages(1)
      async let shutDown: Void = server.shutDown(grace: .seconds(3600))
      try await client.state.wait { !$0.goAways.isEmpty }
      call.finish()
      #expect(try await call.end().code == .ok)
      try await client.state.wait { $0.isClosed }
      try await shutDown
    }
  }
}
