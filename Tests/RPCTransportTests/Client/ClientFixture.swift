import NIOCore
import RPCCore
import RPCTestSupport
import RPCTransport

/// Runs `body` with a client of `address`, which is gone afterwards, with all its calls.
func withClient(
  of address: SocketAddress, configure: (inout ClientConfiguration) -> Void = { _ in },
  _ body: (RPCClient) async throws -> Void
) async throws {
  var configuration = ClientConfiguration()
  configure(&configuration)
  let client = try RPCClient(host: "127.0.0.1", port: address.port ?? 0, configuration: configuration)
  do {
    try await body(client)
  } catch {
    await client.close(grace: .zero)
    throw error
  }
  await client.close(grace: .zero)
}

/// Runs `body` with a server and a client of it.
func withServerAndClient(
  _ service: HandMadeService = .echo, server: (inout ServerConfiguration) -> Void = { _ in },
  client: (inout ClientConfiguration) -> Void = { _ in }, _ body: (RPCClient) async throws -> Void
) async throws {
  try await withServer(service, configure: server) { server in
    try await withClient(of: server.address, configure: client, body)
  }
}

extension ClientTransport {
  /// A unary call of the echo service.
  func echo(_ text: String, _ options: CallOptions = CallOptions()) async throws -> String {
    let answer: Text = try await unary(Calls.unary, Text(text), options)
    return answer.value
  }
}
