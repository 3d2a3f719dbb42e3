import NIOSSL

/// TLS of a client: 1.2 and up, HTTP/2 by ALPN.
public struct ClientTLS: Sendable {
  /// Whose servers are trusted.
  public enum TrustRoots: Sendable, Hashable {
    /// Those that the system trusts.
    case system
    /// The certificates of a PEM file.
    case file(String)
  }

  /// What the client proves itself by to the server.
  public struct ClientCertificate: Sendable, Hashable {
    /// A PEM file with the certificate, and those up to but without the root.
    public var chainFile: String
    /// A PEM file with the certificate's private key.
    public var keyFile: String

    /// A certificate and its key.
    public init(chainFile: String, keyFile: String) {
      self.chainFile = chainFile
      self.keyFile = keyFile
    }
  }

  /// What is wrong with a file.
  public struct Failure: Error, CustomStringConvertible {
    /// The file, and what is wrong with it.
    public let description: String
  }

  /// Whose servers are trusted.
  public var trustRoots = TrustRoots.system
  /// The name that the server's certificate must be for, and that calls are addressed to; nil for the host's.
  public var serverName: String?
  /// What the client proves itself by; nil for nothing.
  public var certificate: ClientCertificate?

  /// The system's trust, no client certificate.
  public init() {}

  /// - Throws: `Failure`.
  func makeContext() throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    // What RFC 9113 appendix A does not forbid to HTTP/2.
    configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
    configuration.applicationProtocols = ["h2"]
    // A server that does not answer the end of TLS is not waited for much longer than a packet's way.
    configuration.shutdownTimeout = .seconds(1)
    if case .file(let file) = trustRoots {
      configuration.trustRoots = .certificates(try Self.read(file) { try NIOSSLCertificate.fromPEMFile($0) })
    }
    if let certificate {
      configuration.certificateChain = try Self.read(certificate.chainFile) { try NIOSSLCertificate.fromPEMFile($0) }
        .map { .certificate($0) }
      configuration.privateKey = .privateKey(
        try Self.read(certificate.keyFile) { try NIOSSLPrivateKey(file: $0, format: .pem) })
    }
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw Failure(description: "the TLS settings cannot be used: \(error)")
    }
  }

  private static func read<Content>(_ file: String, _ parse: (String) throws -> Content) throws -> Content {
    do {
      return try parse(file)
    } catch {
      throw Failure(description: "\(file) is not readable as PEM: \(error)")
    }
  }
}
