import Crypto
import Foundation
import NIOSSL
import RPCTransport
import X509

/// Issues certificates, as PEM.
struct Authority {
  /// A certificate with its key.
  struct Issued {
    let certificate: String
    let key: String
  }

  /// Its own certificate.
  let certificate: String
  private let name: DistinguishedName
  private let key: Certificate.PrivateKey

  init(_ commonName: String = "Test Authority") throws {
    key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    name = try DistinguishedName { CommonName(commonName) }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: .now - 3600,
      notValidAfter: .now + 3600, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        Critical(KeyUsage(keyCertSign: true))
      }, issuerPrivateKey: key)
    self.certificate = try certificate.serializeAsPEM().pemString
  }

  /// A certificate for `localhost`, valid for an hour before and after now, or as `validity` says.
  func issue(
    _ subject: DistinguishedName, validity: ClosedRange<Date> = (.now - 3600)...(.now + 3600)
  ) throws -> Issued {
    let subjectKey = P256.Signing.PrivateKey()
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: Certificate.PrivateKey(subjectKey).publicKey,
      notValidBefore: validity.lowerBound, notValidAfter: validity.upperBound, issuer: name, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions { SubjectAlternativeNames([.dnsName("localhost")]) }, issuerPrivateKey: key
    )
    return Issued(certificate: try certificate.serializeAsPEM().pemString, key: subjectKey.pemRepresentation)
  }

  /// The same for a common name.
  func issue(
    commonName: String, validity: ClosedRange<Date> = (.now - 3600)...(.now + 3600)
  ) throws -> Issued {
    try issue(DistinguishedName { CommonName(commonName) }, validity: validity)
  }
}

/// A folder that is gone with its owner.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    // What stays behind is the system's to clear.
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(text.utf8).write(to: URL(filePath: file))
    return file
  }
}

/// The files of a server, and what clients need to trust it.
struct ServerFiles {
  let folder: TemporaryFolder
  let authority: Authority
  var configuration: ServerTLS.Configuration

  init(commonName: String = "server-1") throws {
    folder = try TemporaryFolder()
    authority = try Authority()
    configuration = ServerTLS.Configuration(
      certificateFile: "\(folder.path)/server.pem", keyFile: "\(folder.path)/server.key")
    try write(authority.issue(commonName: commonName))
  }

  /// Puts another certificate and key into the files.
  func write(_ issued: Authority.Issued) throws {
    try folder.write("server.pem", issued.certificate)
    try folder.write("server.key", issued.key)
  }

  /// Has the server ask for certificates that `authority` issued.
  mutating func requireClientCertificates(_ authority: Authority, optional: Bool = false) throws {
    let file = try folder.write("clients.pem", authority.certificate)
    configuration.clientCertificates = optional ? .optional(authorityFile: file) : .required(authorityFile: file)
  }

  func load() throws -> ServerTLS { try ServerTLS(configuration, unixTime: { Int(Date.now.timeIntervalSince1970) }) }

  /// What a client does that trusts the server's authority.
  func client(as issued: Authority.Issued? = nil, protocols: [String] = ["h2"]) throws -> TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .certificates([
      try NIOSSLCertificate(bytes: Array(authority.certificate.utf8), format: .pem)
    ])
    configuration.applicationProtocols = protocols
    if let issued {
      configuration.certificateChain = [
        .certificate(try NIOSSLCertificate(bytes: Array(issued.certificate.utf8), format: .pem))
      ]
      configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(issued.key.utf8), format: .pem))
    }
    return configuration
  }
}
