import NIOSSL
import Synchronization

/// TLS on a server's connections, by a certificate and key from files that can be read again while it serves.
///
/// TLS 1.2 and 1.3 with the cipher suites that RFC 9113 appendix A leaves to HTTP/2; both ends must agree on `h2` by
/// ALPN (RFC 9113 section 3.2).
public final class ServerTLS: Sendable {
  /// Where the files are, and what is asked of clients.
  public struct Configuration: Sendable {
    /// The server's certificate in PEM, followed by those between it and its root.
    public var certificateFile: String
    /// The certificate's private key in PEM, not encrypted.
    public var keyFile: String
    /// Whether clients prove who they are by certificates.
    public var clientCertificates = ClientCertificates.ignored
    /// The oldest version that is spoken.
    public var minimumVersion = Version.tls12

    /// A configuration with these files.
    public init(certificateFile: String, keyFile: String) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
    }
  }

  /// Certificates of clients, with the file in PEM of the authorities that may have issued them.
  public enum ClientCertificates: Sendable, Hashable {
    /// None are asked for.
    case ignored
    /// A client may have none; one that it has must be good.
    case optional(authorityFile: String)
    /// Every client has one.
    case required(authorityFile: String)
  }

  /// A version of TLS.
  public enum Version: Sendable, Hashable {
    /// RFC 5246.
    case tls12
    /// RFC 8446.
    case tls13
  }

  /// A server's certificate.
  public struct Certificate: Sendable, Hashable {
    /// Its subject as RFC 4514 writes it; nil if it is empty.
    public let subject: String?
    /// The last second of its validity, in seconds since 1970 in UTC.
    public let validUntil: Int
  }

  private let configuration: Configuration
  private let unixTime: @Sendable () -> Int
  private let current: Mutex<TLSFiles>

  /// Reads the files, blocking. `unixTime` tells the seconds since 1970 in UTC.
  /// - Throws: `TLSFileError`.
  public init(_ configuration: Configuration, unixTime: @escaping @Sendable () -> Int) throws {
    self.configuration = configuration
    self.unixTime = unixTime
    current = Mutex(try TLSFiles(configuration, unixTime: unixTime()))
  }

  /// Reads the files again, blocking, for the connections that come from now on; those that are open go on as they
  /// are. What is wrong with the files leaves everything as it was.
  /// - Throws: `TLSFileError`.
  public func reload() throws {
    let files = try TLSFiles(configuration, unixTime: unixTime())
    current.withLock { $0 = files }
  }

  /// The certificate that new connections are shown.
  public var certificate: Certificate { current.withLock { $0.certificate } }

  func makeHandler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: current.withLock { $0.context }) }
}
