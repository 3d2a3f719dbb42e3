import NIOCore
import NIOPosix
import NIOSSL
import RPCCore
import RPCTestSupport
import RPCTransport
import Testing

@Suite(.timeLimit(.minutes(5))) struct ClientTLSTests {
  /// What a client needs to trust the server, whose certificate is for `localhost`.
  private func trust(_ files: ServerFiles, _ authority: Authority? = nil) throws -> ClientTLS {
    var tls = ClientTLS()
    tls.trustRoots = .file(try files.folder.write("roots.pem", (authority ?? files.authority).certificate))
    tls.serverName = "localhost"
    return tls
  }

  /// The error of a call to a TLS server by a client that cannot connect.
  private func refusal(
    by address: SocketAddress, _ tls: ClientTLS
  ) async throws -> RPCError {
    var error: RPCError?
    try await withClient(of: address, configure: { $0.tls = tls }) { client in
      error = await rpcError { try await client.echo("") }
    }
    return try #require(error)
  }

  @Test func callsGoOverTLS() async throws {
    let files = try ServerFiles()
    let tls = try trust(files)
    try await withServer(security: .tls(files.load())) { server in
      try await withClient(of: server.address, configure: { $0.tls = tls }) { client async throws in
        #expect(try await client.echo("hello") == "hello")
        let text = String(repeating: "y", count: 3 << 20)
        #expect(try await client.echo(text) == text)
      }
    }
  }

  @Test func aClientProvesItselfByItsCertificate() async throws {
    let service = HandMadeService(
      .unary(Calls.unary) { (_: Text, context) in
        try ServerResponse(Text(context.peer.certificateSubject ?? "nobody"))
      })
    var files = try ServerFiles()
    let authority = try Authority("Clients")
    try files.requireClientCertificates(authority)
    let agent = try authority.issue(commonName: "agent-7")
    var tls = try trust(files)
    tls.certificate = ClientTLS.ClientCertificate(
      chainFile: try files.folder.write("agent.pem", agent.certificate),
      keyFile: try files.folder.write("agent.key", agent.key))
    try await withServer(service, security: .tls(files.load())) { server in
      try await withClient(of: server.address, configure: { $0.tls = tls }) { client async throws in
        #expect(try await client.echo("") == "CN=agent-7")
      }
      let anonymous = try trust(files)
      #expect(try await refusal(by: server.address, anonymous).code == .unavailable)
    }
  }

  @Test func aServerThatNobodyVouchesForIsNotCalled() async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      let error = try await refusal(by: server.address, trust(files, Authority("Others")))
      #expect(error.code == .unavailable)
      #expect(error.message.contains("CERTIFICATE_VERIFY_FAILED"))
    }
  }

  @Test(arguments: ["elsewhere.example", "127.0.0.1", nil]) func aServerOfAnotherNameIsNotCalled(
    name: String?
  ) async throws {
    let files = try ServerFiles()
    try await withServer(security: .tls(files.load())) { server in
      var tls = try trust(files)
      tls.serverName = name
      #expect(try await refusal(by: server.address, tls).code == .unavailable)
    }
  }

  @Test func aServerWithoutHTTP2IsNotCalled() async throws {
    let files = try ServerFiles()
    let server = try files.authority.issue(commonName: "other")
    let context = try NIOSSLContext(
      configuration: .makeServerConfiguration(
        certificateChain: [
          .certificate(try NIOSSLCertificate(bytes: Array(server.certificate.utf8), format: .pem))
        ],
        privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(server.key.utf8), format: .pem))))
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let error = try await refusal(by: try #require(listener.localAddress), trust(files))
    #expect(error.code == .unavailable)
    #expect(error.message.hasSuffix("the server does not offer HTTP/2 by ALPN"))
    try await listener.close()
  }

  @Test func aServerInPlaintextIsNotCalled() async throws {
    let files = try ServerFiles()
    let tls = try trust(files)
    try await withServer { server async throws in
      #expect(try await refusal(by: server.address, tls).code == .unavailable)
    }
  }

  @Test func filesThatCannotBeUsedAreNamed() throws {
    let folder = try TemporaryFolder()
    let authority = try Authority()
    let issued = try authority.issue(commonName: "agent-7")
    let good = try folder.write("good.pem", issued.certificate)
    let bad = try folder.write("bad.pem", "nothing")
    func failure(_ change: (inout ClientTLS) -> Void) -> String? {
      var configuration = ClientConfiguration()
      var tls = ClientTLS()
      change(&tls)
      configuration.tls = tls
      do {
        _ = try RPCClient(host: "localhost", port: 1, configuration: configuration)
        return nil
      } catch {
        return (error as? ClientTLS.Failure)?.description
      }
    }
    #expect(failure { $0.trustRoots = .file(bad) }?.hasPrefix("\(bad) ") == true)
    #expect(failure { $0.trustRoots = .file("/nowhere") }?.hasPrefix("/nowhere ") == true)
    #expect(failure { $0.certificate = .init(chainFile: bad, keyFile: good) }?.hasPrefix("\(bad) ") == true)
    #expect(failure { $0.certificate = .init(chainFile: good, keyFile: bad) }?.hasPrefix("\(bad) ") == true)
  }
}
