import ArgumentParser
import RPCTransport

/// The client of gRPC's interoperability tests: runs one case, or all, and tells how it went.
@main
struct InteropClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interop-client",
    abstract: "The client of gRPC's interoperability tests (grpc/doc/interop-test-descriptions.md).")

  @Option(name: .customLong("server_host"), help: "The server's name or address.")
  var host = "127.0.0.1"
  @Option(name: .customLong("server_port"), help: "The server's port.")
  var port: Int
  @Option(name: .customLong("use_tls"), help: "Whether to connect over TLS.")
  var usesTLS = false
  @Option(name: .customLong("use_test_ca"), help: "Whether to trust --ca_file instead of the system's authorities.")
  var usesTestCA = false
  @Option(name: .customLong("ca_file"), help: "An authority's certificate in PEM, which is trusted alone.")
  var authorityFile: String?
  @Option(name: .customLong("server_host_override"), help: "The name that the server's certificate is for.")
  var serverName: String?
  @Option(name: .customLong("test_case"), help: "The case's name, or all.", transform: Self.cases)
  var cases: [TestCase]

  private static func cases(_ name: String) throws -> [TestCase] {
    if name == "all" { return TestCase.allCases }
    guard let testCase = TestCase(rawValue: name) else {
      let names = TestCase.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("there is no case \"\(name)\"; there are all, \(names)")
    }
    return [testCase]
  }

  func validate() throws {
    guard (1...65535).contains(port) else { throw ValidationError("--server_port is from 1 to 65535") }
    guard !usesTestCA || authorityFile != nil else { throw ValidationError("--use_test_ca=true needs --ca_file") }
  }

  func run() async throws {
    var configuration = ClientConfiguration()
    if usesTLS {
      var tls = ClientTLS()
      if let authorityFile { tls.trustRoots = .file(authorityFile) }
      tls.serverName = serverName
      configuration.tls = tls
    }
    let client = try RPCClient(host: host, port: port, configuration: configuration)
    var failures = 0
    for testCase in cases {
      do {
        try await testCase.run(on: client)
        print("\(testCase.rawValue): ok")
      } catch {
        failures += 1
        print("\(testCase.rawValue): \(error)")
      }
    }
    await client.close()
    if failures > 0 { throw ExitCode.failure }
  }
}
