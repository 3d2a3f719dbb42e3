import RPCCore
import RPCTransport
import Testing

@testable import interop_client
@testable import interop_server

@Suite(.timeLimit(.minutes(5))) struct SocketTests {
  @Test("Client and server pass every case over a socket", arguments: TestCase.allCases)
  func passes(testCase: TestCase) async throws {
    let server = RPCServer(services: [TestService { 0 }], configuration: ServerConfiguration(), threads: 1)
    let port = try #require(try await server.start(host: "127.0.0.1", port: 0).port)
    let client = try RPCClient(host: "127.0.0.1", port: port)
    try await testCase.run(on: client)
    await client.close()
    try await server.shutDown(grace: .seconds(1))
  }
}
