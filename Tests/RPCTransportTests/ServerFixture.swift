import NIOCore
import RPCCore
import RPCTestSupport
import RPCTransport
import Synchronization

/// A server on a free port of the loopback interface.
final class ServerFixture: Sendable {
  let server: RPCServer
  let address: SocketAddress
  private let isShutDown = Mutex(false)

  init(_ service: HandMadeService, _ configuration: ServerConfiguration, _ security: ServerSecurity) async throws {
    server = RPCServer(services: [service], configuration: configuration, threads: 2)
    address = try await server.start(host: "127.0.0.1", port: 0, security: security)
  }

  func connect(streamWindowBytes: Int32 = 65_535) async throws -> WireClient {
    try await .connect(to: address, streamWindowBytes: streamWindowBytes)
  }

  /// Shuts the server down, once.
  func shutDown(grace: Duration) async throws {
    let isFirst = isShutDown.withLock { isShutDown in
      defer { isShutDown = true }
      return !isShutDown
    }
    if isFirst { try await server.shutDown(grace: grace) }
  }
}

extension ServerConfiguration {
  /// Has time stand still for the server until `time` is moved on.
  mutating func follow(_ time: Observed<MonotonicInstant>) { now = { time.value } }
}

extension Observed<MonotonicInstant> {
  /// Moves it on.
  func advance(by duration: Duration) { update { $0 = $0 + duration } }
}

/// Runs `body` against a server, which is gone afterwards, with all its calls.
func withServer(
  _ service: HandMadeService = .echo, security: ServerSecurity = .plaintextOnLoopback,
  configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: (ServerFixture) async throws -> Void
) async throws {
  var configuration = ServerConfiguration()
  configure(&configuration)
  let fixture = try await ServerFixture(service, configuration, security)
  do {
    try await body(fixture)
  } catch {
    try await fixture.shutDown(grace: .zero)
    throw error
  }
  try await fixture.shutDown(grace: .zero)
}

/// Keeps every call that ended.
final class CallRecorder: ServerInterceptor, CallInterceptor {
  let calls = Observed<[CallSummary]>([])

  func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? { self }

  func ended(_ call: CallSummary) { calls.update { $0.append(call) } }
}
