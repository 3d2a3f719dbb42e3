import Foundation
import NIOCore
import NIOSSL
import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

/// What the files of TLS may hold, and what happens when they are read again.
@Suite(.timeLimit(.minutes(5))) struct TLSFileTests {
  @Test func theCertificateIsKnown() throws {
    let files = try ServerFiles(commonName: "server-1")
    let certificate = try files.load().certificate
    #expect(certificate.subject == "CN=server-1")
    #expect(abs(certificate.validUntil - Int(Date.now.timeIntervalSince1970) - 3600) < 60)
  }

  enum Damage: CaseIterable {
    case noCertificate, emptyCertificate, certificateIsText, certificateIsKey, secondCertificateIsCut, expired
    case notYetValid, noKey, keyIsCertificate, keyIsCut, otherKey, noAuthority, authorityIsText

    func apply(to files: inout ServerFiles) throws {
      let now = Date.now
      let other = try files.authority.issue(commonName: "other")
      switch self {
      case .noCertificate: try FileManager.default.removeItem(atPath: files.configuration.certificateFile)
      case .emptyCertificate: try files.folder.write("server.pem", "")
      case .certificateIsText: try files.folder.write("server.pem", "what was to be a certificate")
      case .certificateIsKey: try files.folder.write("server.pem", other.key)
      case .secondCertificateIsCut:
        let first = try String(contentsOfFile: files.configuration.certificateFile, encoding: .utf8)
        try files.folder.write("server.pem", first + "\n" + String(other.certificate.prefix(200)))
      case .expired: try files.write(files.authority.issue(commonName: "old", validity: (now - 90)...(now - 60)))
      case .notYetValid: try files.write(files.authority.issue(commonName: "new", validity: (now + 60)...(now + 90)))
      case .noKey: try FileManager.default.removeItem(atPath: files.configuration.keyFile)
      case .keyIsCertificate: try files.folder.write("server.key", other.certificate)
      case .keyIsCut: try files.folder.write("server.key", String(other.key.prefix(80)))
      case .otherKey: try files.folder.write("server.key", other.key)
      case .noAuthority:
        files.configuration.clientCertificates = .required(authorityFile: "\(files.folder.path)/none.pem")
      case .authorityIsText:
        let file = try files.folder.write("clients.pem", "what was to be an authority")
        files.configuration.clientCertificates = .optional(authorityFile: file)
      }
    }

    var problem: (kind: TLSFileError.Kind, text: String) {
      switch self {
      case .noCertificate: (.certificate, "No such file or directory")
      case .emptyCertificate: (.certificate, "it is empty")
      case .certificateIsText, .certificateIsKey, .secondCertificateIsCut:
        (.certificate, "there is no certificate in PEM in it, or one that is damaged")
      case .expired: (.certificate, "the certificate has expired")
      case .notYetValid: (.certificate, "the certificate is not valid yet")
      case .noKey: (.key, "No such file or directory")
      case .keyIsCertificate, .keyIsCut:
        (.key, "there is no private key in PEM in it that can be read without a passphrase")
      case .otherKey: (.key, "it is not the key of the certificate in ")
      case .noAuthority: (.clientAuthority, "No such file or directory")
      case .authorityIsText: (.clientAuthority, "there is no certificate in PEM in it, or one that is damaged")
      }
    }
  }

  @Test("A file that is no good is named, with what is wrong", arguments: Damage.allCases)
  func wrongFile(damage: Damage) throws {
    var files = try ServerFiles()
    try damage.apply(to: &files)
    let damaged = files
    let error = #expect(throws: TLSFileError.self) { try damaged.load() }
    #expect(error?.kind == damage.problem.kind)
    #expect(error?.problem.hasPrefix(damage.problem.text) == true, "\(String(describing: error))")
    #expect(error?.path.hasPrefix(files.folder.path) == true)
  }

  @Test func filesThatAreReadAgainAreForConnectionsFromThenOn() async throws {
    let files = try ServerFiles(commonName: "server-1")
    let tls = try files.load()
    try await withServer(security: .tls(tls)) { server in
      let (before, client) = try await subject(server, files)
      let call = try await client.open(Calls.bidirectional.path)
      try call.send(Text("1"))
      try await call.messages(1)

      try files.write(files.authority.issue(commonName: "server-2"))
      try tls.reload()
      #expect(tls.certificate.subject == "CN=server-2")
      let (after, _) = try await subject(server, files)
      #expect(before.contains("server-1"))
      #expect(after.contains("server-2"))

      try call.send(Text("2"))
      call.finish()
      #expect(try await call.end().texts == ["1", "2"])
    }
  }

  @Test(
    "Wrong files leave the old ones in use",
    arguments: [Damage.noCertificate, .certificateIsText, .otherKey, .noKey, .expired])
  func wrongReload(damage: Damage) async throws {
    var files = try ServerFiles(commonName: "server-1")
    let tls = try files.load()
    try damage.apply(to: &files)
    let damaged = files
    try await withServer(security: .tls(tls)) { server in
      #expect(throws: TLSFileError.self) { try tls.reload() }
      #expect(tls.certificate.subject == "CN=server-1")
      let (subject, _) = try await subject(server, damaged)
      #expect(subject.contains("server-1"))
    }
  }

  /// Makes a call on a new connection, and tells whose certificate the server showed.
  private func subject(
    _ server: ServerFixture, _ files: ServerFiles
  ) async throws -> (subject: String, client: WireClient) {
    let state = Observed(HandshakeState())
    let context = try NIOSSLContext(configuration: files.client())
    let client = try await WireClient.connect(to: server.address) { pipeline in
      try pipeline.addHandlers(
        NIOSSLClientHandler(context: context, serverHostname: "localhost"), HandshakeObserver(state))
    }
    #expect(try await client.call(Calls.unary.path, [Text("hello")]).texts == ["hello"])
    return (state.value.serverSubject ?? "", client)
  }
}

/// Where a server may listen without TLS.
@Suite(.timeLimit(.minutes(5))) struct PlaintextTests {
  @Test("Plaintext is for loopback", arguments: ["127.0.0.1", "127.8.9.10", "localhost"])
  func loopback(host: String) async throws {
    let server = RPCServer(services: [HandMadeService.echo], threads: 1)
    _ = try await server.start(host: host, port: 0)
    try await server.shutDown(grace: .zero)
  }

  @Test("Elsewhere it is refused unless it is allowed", arguments: ["0.0.0.0"])
  func elsewhere(host: String) async throws {
    let server = RPCServer(services: [HandMadeService.echo], threads: 1)
    await #expect(throws: PlaintextRefused.self) { try await server.start(host: host, port: 0) }
    _ = try await server.start(host: host, port: 0, security: .plaintext)
    try await server.shutDown(grace: .zero)
  }

  @Test(
    "Loopback is 127.0.0.0/8 and ::1",
    arguments: [
      ("127.0.0.1", true), ("127.255.255.254", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false),
      ("::", false), ("128.0.0.1", false), ("10.0.0.1", false), ("::ffff:10.0.0.1", false), ("::2", false),
      ("1::1", false), ("::127.0.0.1", false), ("fe80::1", false),
    ])
  func addresses(text: String, isLoopback: Bool) throws {
    #expect(try SocketAddress(ipAddress: text, port: 1).isLoopback == isLoopback)
  }
}
