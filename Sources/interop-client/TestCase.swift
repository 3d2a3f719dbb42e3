import InteropAPI
import RPCCore

/// The cases of gRPC's interoperability tests (grpc/doc/interop-test-descriptions.md) that need nothing but a server;
/// `special_status_message` is described in gRPC's clients only.
enum TestCase: String, CaseIterable {
  case emptyUnary = "empty_unary"
  case largeUnary = "large_unary"
  case clientStreaming = "client_streaming"
  case serverStreaming = "server_streaming"
  case pingPong = "ping_pong"
  case emptyStream = "empty_stream"
  case cancelAfterBegin = "cancel_after_begin"
  case cancelAfterFirstResponse = "cancel_after_first_response"
  case timeoutOnSleepingServer = "timeout_on_sleeping_server"
  case statusCodeAndMessage = "status_code_and_message"
  case specialStatusMessage = "special_status_message"
  case customMetadata = "custom_metadata"
  case unimplementedMethod = "unimplemented_method"
  case unimplementedService = "unimplemented_service"
  case clientCompressedUnary = "client_compressed_unary"
  case serverCompressedUnary = "server_compressed_unary"
  case clientCompressedStreaming = "client_compressed_streaming"
  case serverCompressedStreaming = "server_compressed_streaming"

  /// Runs the case against a server.
  /// - Throws: `Mismatch` where the server is not as expected, `RPCError` where a call fails that should not.
  func run(on transport: any ClientTransport) async throws {
    let calls = TestCalls(transport)
    switch self {
    case .emptyUnary: try await calls.emptyUnary()
    case .largeUnary: try await calls.largeUnary()
    case .clientStreaming: try await calls.clientStreaming()
    case .serverStreaming: try await calls.serverStreaming()
    case .pingPong: try await calls.pingPong()
    case .emptyStream: try await calls.emptyStream()
    case .cancelAfterBegin: try await calls.cancelAfterBegin()
    case .cancelAfterFirstResponse: try await calls.cancelAfterFirstResponse()
    case .timeoutOnSleepingServer: try await calls.timeoutOnSleepingServer()
    case .statusCodeAndMessage: try await calls.statusCodeAndMessage()
    case .specialStatusMessage: try await calls.specialStatusMessage()
    case .customMetadata: try await calls.customMetadata()
    case .unimplementedMethod: try await calls.unimplementedMethod()
    case .unimplementedService: try await calls.unimplementedService()
    case .clientCompressedUnary: try await calls.clientCompressedUnary()
    case .serverCompressedUnary: try await calls.serverCompressedUnary()
    case .clientCompressedStreaming: try await calls.clientCompressedStreaming()
    case .serverCompressedStreaming: try await calls.serverCompressedStreaming()
    }
  }
}

/// What the calls of all cases share.
struct TestCalls {
  let transport: any ClientTransport
  let service: Grpc_Testing_TestServiceClient
  /// No server takes so long for anything that a case asks of it.
  let options = CallOptions(timeout: .seconds(30))

  init(_ transport: any ClientTransport) {
    self.transport = transport
    service = Grpc_Testing_TestServiceClient(transport)
  }
}

/// What a server did instead of what a case expects.
struct Mismatch: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// - Throws: `Mismatch` where `found` is not as expected.
func expect<Value: Equatable>(_ what: String, _ found: Value, _ expected: Value) throws {
  guard found == expected else { throw Mismatch("\(what) is \(found); expected \(expected)") }
}

/// - Throws: `Mismatch` unless `call` fails with a status, and where one is given, with a message.
func expectFailure(
  _ code: StatusCode, message: String? = nil, of call: () async throws -> some Sendable
) async throws {
  let error: RPCError
  do {
    _ = try await call()
    throw Mismatch("the call succeeded; expected \(code.name)")
  } catch let failure as RPCError {
    error = failure
  }
  guard error.code == code else { throw Mismatch("the call failed with \(error); expected \(code.name)") }
  if let message { try expect("the status message", error.message, message) }
}

/// - Throws: `Mismatch` unless `payload` is `size` zeros.
func expectZeros(_ payload: Grpc_Testing_Payload?, _ size: Int) throws {
  try expect("the payload's size", payload?.body.count, size)
  guard let payload, payload.body.allSatisfy({ $0 == 0 }) else { throw Mismatch("the payload is not all zeros") }
}

extension Grpc_Testing_Payload {
  /// `size` zeros.
  static func zeros(_ size: Int) -> Self { .with { $0.body = [UInt8](repeating: 0, count: size) } }
}
