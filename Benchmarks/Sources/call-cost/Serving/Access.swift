import Foundation

/// How a server is protected: the settings that it gets, and what its callers do for it.
struct Access {
  var tokens: Tokens?
  var certificate: Certificate?

  /// For `sessiond`.
  var settings: [String] {
    (tokens.map { ["--token-file", $0.file] } ?? [])
      + (certificate.map { ["--tls-certificate-file", $0.file, "--tls-key-file", $0.keyFile] } ?? [])
  }

  var scheme: String { certificate == nil ? "http" : "https" }

  /// The headers of a gRPC call, for curl and h2load.
  var headers: [String] {
    let authorization = tokens.map { ["authorization: \($0.bearer)"] } ?? []
    return (["content-type: application/grpc", "te: trailers"] + authorization).flatMap { ["-H", $0] }
  }

  /// What curl must know to speak HTTP/2; h2load takes every certificate.
  var curlOptions: [String] { certificate.map { ["--http2", "--cacert", $0.file] } ?? ["--http2-prior-knowledge"] }
}

/// A token file, and one of the tokens in it.
struct Tokens {
  let file: String
  /// What the token's owner sends as `authorization`.
  let bearer: String

  static func made(by sessiond: String, folder: String) throws -> Tokens {
    let file = folder + "/tokens"
    let token = try Program.output(
      of: [sessiond, "token", "create", "--name", "bench", "--role", "admin", "--file", file], seconds: 10,
      processor: nil)
    return Tokens(
      file: file,
      bearer: "Bearer \(String(decoding: token, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))")
  }
}

/// A certificate for 127.0.0.1 and its private key, files in PEM.
struct Certificate {
  let file: String
  let keyFile: String

  /// Made anew, valid for a day: ECDSA on P-256, the kind that costs a server the least.
  static func selfSigned(folder: String) throws -> Certificate {
    let certificate = Certificate(file: folder + "/certificate.pem", keyFile: folder + "/key.pem")
    for command in [
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", certificate.keyFile],
      [
        "req", "-x509", "-key", certificate.keyFile, "-days", "1", "-subj", "/CN=sessiond", "-addext",
        "subjectAltName=IP:127.0.0.1", "-out", certificate.file,
      ],
    ] {
      _ = try Program.output(of: ["openssl"] + command, seconds: 10, processor: nil)
    }
    return certificate
  }
}
