import ArgumentParser
import Foundation
import Logging
import NIOCore
import RPCTransport
import ServiceLifecycle

/// The server of gRPC's interoperability tests, on loopback, until SIGTERM or SIGINT.
@main
struct InteropServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interop-server",
    abstract: "The server of gRPC's interoperability tests (grpc/doc/interop-test-descriptions.md).")

  @Option(name: .customLong("port"), help: "The port on 127.0.0.1; 0 takes a free one.")
  var port = 0
  @Option(name: .customLong("use_tls"), help: "Whether to serve over TLS; if not said, where its files are given.")
  var usesTLS: Bool?
  @Option(name: .customLong("tls_cert_file"), help: "The server's certificate in PEM, with those that it needs.")
  var certificateFile: String?
  @Option(name: .customLong("tls_key_file"), help: "The certificate's key in PEM.")
  var keyFile: String?

  func validate() throws {
    guard (0...65535).contains(port) else { throw ValidationError("--port is from 0 to 65535") }
    guard (certificateFile == nil) == (keyFile == nil) else {
      throw ValidationError("--tls_cert_file and --tls_key_file need each other")
    }
    guard usesTLS != true || certificateFile != nil else {
      throw ValidationError("--use_tls=true needs --tls_cert_file and --tls_key_file")
    }
  }

  func run() async throws {
    var security = ServerSecurity.plaintextOnLoopback
    if usesTLS ?? true, let certificateFile, let keyFile {
      let files = ServerTLS.Configuration(certificateFile: certificateFile, keyFile: keyFile)
      security = .tls(try ServerTLS(files) { Int(Date().timeIntervalSince1970) })
    }
    let service = TestService { Int64(Date().timeIntervalSince1970 * 1e9) }
    let server = RPCServer(services: [service], configuration: ServerConfiguration(), threads: 2)
    let group = ServiceGroup(
      services: [Serving(server: server, security: security, port: port)],
      gracefulShutdownSignals: [.sigterm, .sigint],
      logger: Logger(label: "interop-server") { _ in SwiftLogNoOpLogHandler() })
    try await group.run()
  }
}

/// Listens, says where, and closes when it is told to.
private struct Serving: Service {
  let server: RPCServer
  let security: ServerSecurity
  let port: Int

  func run() async throws {
    let address = try await server.start(host: "127.0.0.1", port: port, security: security)
    FileHandle.standardOutput.write(Data("interop-server listening on 127.0.0.1:\(address.port ?? port)\n".utf8))
    try await gracefulShutdown()
    try await server.shutDown(grace: .seconds(1))
  }
}
