import Glibc
import NIOSSL

/// What was in the files of a `ServerTLS` when they were read, all of it checked.
struct TLSFiles: Sendable {
  let context: NIOSSLContext
  let certificate: ServerTLS.Certificate

  /// Reads the files, blocking.
  /// - Throws: `TLSFileError`.
  init(_ configuration: ServerTLS.Configuration, unixTime: Int) throws {
    let certificatePath = configuration.certificateFile
    let (leaf, chain) = try Self.certificates(certificatePath, .certificate)
    guard leaf.notValidBefore <= unixTime else {
      throw TLSFileError(.certificate, certificatePath, "the certificate is not valid yet")
    }
    guard leaf.notValidAfter >= unixTime else {
      throw TLSFileError(.certificate, certificatePath, "the certificate has expired")
    }
    let keyPath = configuration.keyFile
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(bytes: try Self.read(keyPath, .key), format: .pem)
    } catch is NIOSSLError {
      throw TLSFileError(.key, keyPath, "there is no private key in PEM in it that can be read without a passphrase")
    }

    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    tls.applicationProtocols = ["h2"]
    tls.minimumTLSVersion =
      switch configuration.minimumVersion {
      case .tls12: .tlsv12
      case .tls13: .tlsv13
      }
    // What RFC 9113 appendix A does not forbid to HTTP/2; NIOSSL's own list has some of that.
    tls.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
    // A peer that does not answer the end of TLS is not waited for much longer than a packet's way.
    tls.shutdownTimeout = .seconds(1)
    switch configuration.clientCertificates {
    case .ignored: break
    case .optional(let path):
      tls.certificateVerification = .optionalVerification
      tls.trustRoots = .certificates(try Self.certificates(path, .clientAuthority).all)
    case .required(let path):
      // A client's certificate names no host that could be checked.
      tls.certificateVerification = .noHostnameVerification
      tls.trustRoots = .certificates(try Self.certificates(path, .clientAuthority).all)
    }
    do {
      context = try NIOSSLContext(configuration: tls)
    } catch NIOSSLError.failedToLoadPrivateKey {
      throw TLSFileError(.key, keyPath, "it is not the key of the certificate in \(certificatePath)")
    } catch {
      throw TLSFileError(.certificate, certificatePath, "TLS cannot use it: \(error)")
    }
    certificate = ServerTLS.Certificate(
      subject: CertificateSubject.text(of: leaf), validUntil: Int(leaf.notValidAfter))
  }

  private static func certificates(
    _ path: String, _ kind: TLSFileError.Kind
  ) throws -> (first: NIOSSLCertificate, all: [NIOSSLCertificate]) {
    let bytes = try read(path, kind)
    // It only ever throws for what is no certificate in PEM.
    guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), let first = certificates.first else {
      throw TLSFileError(kind, path, "there is no certificate in PEM in it, or one that is damaged")
    }
    return (first, certificates)
  }

  private static func read(_ path: String, _ kind: TLSFileError.Kind) throws -> [UInt8] {
    guard let file = fopen(path, "re") else { throw TLSFileError(kind, path, String(cString: strerror(errno))) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while true {
      let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
        let count = fread(buffer.baseAddress, 1, buffer.count, file)
        bytes.append(contentsOf: buffer.prefix(count))
        return count
      }
      guard bytes.count <= bytesMax else { throw TLSFileError(kind, path, "it is larger than \(bytesMax) bytes") }
      if count == 0 { break }
    }
    guard ferror(file) == 0 else { throw TLSFileError(kind, path, String(cString: strerror(errno))) }
    guard !bytes.isEmpty else { throw TLSFileError(kind, path, "it is empty") }
    return bytes
  }

  // Enough for the authorities of the whole web.
  private static let bytesMax = 4 << 20
}

/// A file that TLS cannot be made from.
public struct TLSFileError: Error, Hashable, CustomStringConvertible {
  /// What the file was to be.
  public enum Kind: Sendable, Hashable {
    /// `ServerTLS.Configuration.certificateFile`.
    case certificate
    /// `ServerTLS.Configuration.keyFile`.
    case key
    /// The file in `ServerTLS.Configuration.clientCertificates`.
    case clientAuthority
  }

  /// What the file was to be.
  public let kind: Kind
  /// The file.
  public let path: String
  /// What is wrong, such as `No such file or directory`.
  public let problem: String

  init(_ kind: Kind, _ path: String, _ problem: String) {
    self.kind = kind
    self.path = path
    self.problem = problem
  }

  /// The file and what is wrong with it.
  public var description: String { "\(path): \(problem)" }
}
