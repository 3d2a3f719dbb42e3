import RPCTransport
import Testing

@testable import sessiond

private func security(_ flags: [String: String]) throws -> SecuritySettings {
  var reader = SettingReader(flags: flags, environment: [:])
  return try SecuritySettings(&reader)
}

@Suite struct SecuritySettingsTests {
  private static let files = ["tls-certificate-file": "server.pem", "tls-key-file": "server.key"]

  @Test func withoutSettingsThereIsPlaintextOnLoopbackForEverybody() throws {
    let settings = try security([:])
    #expect(settings.tls == nil)
    #expect(!settings.allowPlaintext)
    #expect(settings.tokenFile == nil)
  }

  @Test func aCertificateAndItsKeyMakeTLS() throws {
    let tls = try #require(try security(Self.files).tls)
    #expect(tls.certificateFile == "server.pem")
    #expect(tls.keyFile == "server.key")
    #expect(tls.clientCertificates == .ignored)
    #expect(tls.minimumVersion == .tls12)
  }

  @Test(
    "Clients' certificates are optional or required",
    arguments: [
      ("optional", ServerTLS.ClientCertificates.optional(authorityFile: "ca.pem")),
      ("required", .required(authorityFile: "ca.pem")),
    ])
  func clients(wanted: String, expected: ServerTLS.ClientCertificates) throws {
    let more = ["tls-client-certificates": wanted, "tls-client-ca-file": "ca.pem", "tls-minimum-version": "1.3"]
    let tls = try #require(try security(Self.files.merging(more) { $1 }).tls)
    #expect(tls.clientCertificates == expected)
    #expect(tls.minimumVersion == .tls13)
  }

  @Test(
    "What does not fit together is refused",
    arguments: [
      (
        ["tls-certificate-file": "server.pem"],
        "tlsKeyFile is \"\" (default); allowed is a file, since tlsCertificateFile is set"
      ),
      (
        ["tls-key-file": "server.key"],
        "tlsCertificateFile is \"\" (default); allowed is a file, since other TLS settings are set"
      ),
      (
        ["tls-client-ca-file": "ca.pem"],
        "tlsCertificateFile is \"\" (default); allowed is a file, since other TLS settings are set"
      ),
      (
        ["tls-client-certificates": "required"],
        "tlsCertificateFile is \"\" (default); allowed is a file, since other TLS settings are set"
      ),
      (
        files.merging(["tls-client-certificates": "required"]) { $1 },
        "tlsClientCAFile is \"\" (default); allowed is a file, since tlsClientCertificates is required"
      ),
      (
        files.merging(["tls-client-ca-file": "ca.pem"]) { $1 },
        "tlsClientCertificates is \"none\" (default); allowed is optional or required, since tlsClientCAFile is set"
      ),
      (
        ["tls-client-certificates": "maybe"],
        "tlsClientCertificates is \"maybe\" (flag --tls-client-certificates); allowed is none, optional, required"
      ),
      (
        ["tls-minimum-version": "1.1"],
        "tlsMinimumVersion is \"1.1\" (flag --tls-minimum-version); allowed is 1.2, 1.3"
      ),
    ] as [([String: String], String)])
  func refused(flags: [String: String], message: String) throws {
    let error = #expect(throws: SettingError.self) { try security(flags) }
    #expect(error?.description == message)
  }
}
