import Foundation
import Glibc
import Logging
import RPCServices
import RPCTransport

/// What protects the server, as its files say.
struct Security: Sendable {
  /// How connections are protected.
  let transport: ServerSecurity
  /// Who may call; nil for everybody who can connect.
  let tokens: (file: TokenFile, control: AccessControl)?
  private let tls: ServerTLS?

  /// Reads the files that the settings name.
  /// - Throws: `SecurityFileError`, `TokenFileError`.
  init(_ settings: SecuritySettings) throws {
    let unixTime: @Sendable () -> Int = { time(nil) }
    do {
      tls = try settings.tls.map { try ServerTLS($0, unixTime: unixTime) }
    } catch let error as TLSFileError {
      throw SecurityFileError(error)
    }
    transport = tls.map { .tls($0) } ?? (settings.allowPlaintext ? .plaintext : .plaintextOnLoopback)
    tokens = try settings.tokenFile.map { file in
      (file, AccessControl(try file.read(), domain: "sessiond", unixTime: unixTime))
    }
  }

  /// Whether there are files to read again.
  var hasFiles: Bool { tls != nil || tokens != nil }

  /// Tells what there is from the beginning on.
  func begin(_ instruments: Instruments) {
    if let tls {
      instruments.mayReload(.certificate)
      instruments.usesCertificate(validUntil: tls.certificate.validUntil)
    }
    if tokens != nil { instruments.mayReload(.tokens) }
  }

  /// Reads the files again; what is wrong with one leaves in use what it held before.
  func reload(_ logger: Logger, _ instruments: Instruments) {
    if let tls {
      do {
        try tls.reload()
        instruments.reloaded(.certificate, succeeded: true)
        instruments.usesCertificate(validUntil: tls.certificate.validUntil)
        logger.notice("certificate reloaded", metadata: Self.metadata(tls.certificate))
      } catch {
        instruments.reloaded(.certificate, succeeded: false)
        let cause = (error as? TLSFileError).map { "\(SecurityFileError($0))" } ?? "\(error)"
        logger.error("the certificate stays as it was", metadata: ["cause": "\(cause)"])
      }
    }
    if let (file, control) = tokens {
      do {
        let access = try file.read()
        control.replace(with: access)
        instruments.reloaded(.tokens, succeeded: true)
        logger.notice("tokens reloaded", metadata: Self.metadata(access))
        warn(logger)
      } catch {
        instruments.reloaded(.tokens, succeeded: false)
        logger.error("the tokens stay as they were", metadata: ["cause": "\(error)"])
      }
    }
  }

  /// Says what could be safer.
  func warn(_ logger: Logger) {
    if let (file, _) = tokens, file.isOpenToOthers {
      logger.warning(
        "others than its owner may read or change the token file; chmod 600 it", metadata: ["file": "\(file.path)"])
    }
  }

  private static func metadata(_ certificate: ServerTLS.Certificate) -> Logger.Metadata {
    let end = Date(timeIntervalSince1970: TimeInterval(certificate.validUntil)).formatted(.iso8601)
    return ["subject": "\(certificate.subject ?? "")", "valid_until": "\(end)"]
  }

  private static func metadata(_ access: AccessFile) -> Logger.Metadata {
    ["tokens": "\(access.tokens.count)", "certificates": "\(access.certificates.count)"]
  }
}
