import SwiftProtobufPluginLibrary

/// The signatures of one method on both sides.
struct MethodGenerator {
  enum Kind: String {
    case unary, serverStreaming, clientStreaming, bidirectionalStreaming
  }

  let method: MethodDescriptor
  let function: String
  let constant: String
  let comment: String
  let kind: Kind
  private let request: String
  private let response: String

  init(_ method: MethodDescriptor, _ names: SwiftNames) throws {
    self.method = method
    function = names.function(method)
    constant = names.constant(method)
    comment = docComment(
      of: method, isDeprecated: method.options.deprecated, or: "The method `\(method.fullName)`.")
    kind =
      switch (method.clientStreaming, method.serverStreaming) {
      case (false, false): .unary
      case (false, true): .serverStreaming
      case (true, false): .clientStreaming
      case (true, true): .bidirectionalStreaming
      }
    request = try names.reference(to: method.inputType, in: nil)
    response = try names.reference(to: method.outputType, in: nil)
  }

  /// The requirement of the service's protocol.
  var serverSignature: String {
    let context = "context: RPCCore.ServerContext"
    let requests = "_ requests: RPCCore.RequestStream<\(request)>"
    let writer = "to responses: RPCCore.ResponseWriter<\(response)>"
    let parameters =
      switch kind {
      case .unary: ["_ request: \(request)", context]
      case .serverStreaming: ["_ request: \(request)", writer, context]
      case .clientStreaming: [requests, context]
      case .bidirectionalStreaming: [requests, writer, context]
      }
    let result = method.serverStreaming ? "" : " -> RPCCore.ServerResponse<\(response)>"
    return "func \(function)(\(parameters.joined(separator: ", "))) async throws\(result)"
  }

  /// The requirement to answer without waiting; of unary methods.
  var atOnceSignature: String? {
    guard kind == .unary else { return nil }
    let parameters = "atOnce request: ProtobufC.LentMessage<\(request)>, context: RPCCore.ServerContext"
    return "func \(function)(\(parameters)) throws -> RPCCore.ServerResponse<\(response)>?"
  }

  /// The entry of the routing table.
  func route(_ constants: String) -> String {
    let arguments = method.serverStreaming ? "$0, to: $1, context: $2" : "$0, context: $1"
    let atOnce = kind == .unary ? ", atOnce: { try self.\(function)(atOnce: $0, context: $1) }" : ""
    return ".\(kind.rawValue)(\(constants).\(constant)\(atOnce)) { try await self.\(function)(\(arguments)) }"
  }

  /// The client's function, without its visibility.
  func clientFunction(_ constants: String) -> String {
    let options = "options: RPCCore.CallOptions = RPCCore.CallOptions()"
    let writer = "_ writeRequests: (RPCCore.RequestWriter<\(request)>) async throws -> Void"
    let signature =
      switch kind {
      case .unary: "(_ request: \(request), \(options)) async throws -> \(response)"
      case .serverStreaming:
        "(_ request: \(request), \(options)) async throws -> RPCCore.ResponseStream<\(response)>"
      case .clientStreaming: "(\(options), \(writer)) async throws -> \(response)"
      case .bidirectionalStreaming: "(\(options)) -> RPCCore.BidirectionalCall<\(request), \(response)>"
      }
    let call =
      switch kind {
      case .unary, .serverStreaming: "try await transport.\(kind.rawValue)(\(constants).\(constant), request, options)"
      case .clientStreaming:
        "try await transport.clientStreaming(\(constants).\(constant), options, writeRequests)"
      case .bidirectionalStreaming: "transport.bidirectionalStreaming(\(constants).\(constant), options)"
      }
    return "func \(function)\(signature) {\n  \(call)\n}"
  }
}
