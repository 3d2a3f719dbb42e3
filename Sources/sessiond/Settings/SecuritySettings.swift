import Glibc
import RPCTransport

/// Who may connect, and how they are protected on the way.
struct SecuritySettings: Sendable {
  /// Nil for plaintext.
  let tls: ServerTLS.Configuration?
  let allowPlaintext: Bool
  /// Who may call; nil for everybody who can connect.
  let tokenFile: TokenFile?

  private static let clientAuthorityName = "tlsClientCAFile"
  private static let certificateName = "tlsCertificateFile"
  private static let keyName = "tlsKeyFile"

  init(_ reader: inout SettingReader) throws {
    let certificate = try reader.read(
      .optionalFile(Self.certificateName, "The server's certificate and its chain, in PEM."))
    let key = try reader.read(.optionalFile(Self.keyName, "The certificate's private key, in PEM."))
    let authority = try reader.read(
      .optionalFile(Self.clientAuthorityName, "Who may have issued clients' certificates, in PEM."))
    let wanted = try reader.read(
      Setting<ClientCertificates>.choice("tlsClientCertificates", default: .none, "none, optional or required."))
    let version = try reader.read(
      Setting<MinimumVersion>.choice("tlsMinimumVersion", default: .tls12, "The oldest TLS spoken: 1.2 or 1.3."))
    allowPlaintext = try reader.read(
      .flag("allowPlaintext", default: false, "Serve without TLS on other addresses than loopback."))
    tokenFile = try reader.read(.optionalFile("tokenFile", "Who may call, and as what; anybody without it.")).map {
      TokenFile(path: $0)
    }

    let isOnlyClients = certificate == nil && (authority != nil || wanted != .none)
    guard let certificate, let key else {
      if certificate != nil {
        throw reader.error(Self.keyName, allowed: "a file, since \(Self.certificateName) is set")
      }
      if key != nil || isOnlyClients {
        throw reader.error(Self.certificateName, allowed: "a file, since other TLS settings are set")
      }
      tls = nil
      return
    }
    var tls = ServerTLS.Configuration(certificateFile: certificate, keyFile: key)
    tls.minimumVersion = version.version
    switch (wanted, authority) {
    case (.none, nil): break
    case (.none, .some):
      throw reader.error(
        "tlsClientCertificates", allowed: "optional or required, since \(Self.clientAuthorityName) is set")
    case (.optional, let authority?): tls.clientCertificates = .optional(authorityFile: authority)
    case (.required, let authority?): tls.clientCertificates = .required(authorityFile: authority)
    case (.optional, nil), (.required, nil):
      throw reader.error(Self.clientAuthorityName, allowed: "a file, since tlsClientCertificates is \(wanted)")
    }
    self.tls = tls
  }

  /// The name of the setting that names such a file.
  static func name(of kind: TLSFileError.Kind) -> String {
    switch kind {
    case .certificate: certificateName
    case .key: keyName
    case .clientAuthority: clientAuthorityName
    }
  }

  private enum ClientCertificates: String, CaseIterable {
    case none, optional, required
  }

  private enum MinimumVersion: String, CaseIterable {
    case tls12 = "1.2"
    case tls13 = "1.3"

    var version: ServerTLS.Version {
      switch self {
      case .tls12: .tls12
      case .tls13: .tls13
      }
    }
  }
}

/// A file that a setting names is no good.
struct SecurityFileError: Error, CustomStringConvertible {
  let setting: String
  let file: String
  let problem: String

  init(_ error: TLSFileError) {
    setting = SecuritySettings.name(of: error.kind)
    file = error.path
    problem = error.problem
  }

  var description: String { "\(setting) is \"\(file)\": \(problem)" }
}
