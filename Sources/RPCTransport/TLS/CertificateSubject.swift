import NIOSSL
import X509

/// Whom a certificate names.
enum CertificateSubject {
  /// The subject as RFC 4514 writes it; nil where it is empty, or stands in bytes that cannot be read.
  static func text(of certificate: NIOSSLCertificate) -> String? {
    // BoringSSL accepts some certificates that the stricter parser does not; their subject names nobody.
    guard let bytes = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes) else {
      return nil
    }
    let subject = "\(parsed.subject)"
    return subject.isEmpty ? nil : subject
  }
}
