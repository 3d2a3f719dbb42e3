public import ProtobufC

/// A call whose one request is decoded.
public protocol PreparedCall: AnyObject, Sendable {
  /// About how much memory the request takes.
  var requestBytes: Int { get }

  /// Answers now, if that needs no waiting; false if it does. Such a call needs no task, which is a sixth of what
  /// answering from memory costs.
  /// - Throws: what the call ends with.
  func answerAtOnce(_ context: ServerContext, _ call: any ServerCall) throws -> Bool

  /// Answers, in a task of the call's own.
  /// - Throws: what the call ends with.
  func answer(_ context: ServerContext, _ call: any ServerCall) async throws
}

@usableFromInline
final class PreparedUnaryCall<Request: ProtobufMessage, Response: ProtobufMessage>: PreparedCall {
  // Shared by all calls of a method.
  @usableFromInline
  final class Handlers: Sendable {
    @usableFromInline let atOnce: @Sendable (Request, ServerContext) throws -> ServerResponse<Response>?
    @usableFromInline let handler: @Sendable (Request, ServerContext) async throws -> ServerResponse<Response>

    @inlinable
    init(
      atOnce: @escaping @Sendable (Request, ServerContext) throws -> ServerResponse<Response>?,
      handler: @escaping @Sendable (Request, ServerContext) async throws -> ServerResponse<Response>
    ) {
      self.atOnce = atOnce
      self.handler = handler
    }
  }

  @usableFromInline let request: Request
  @usableFromInline let requestBytes: Int
  @usableFromInline let handlers: Handlers

  @inlinable
  init(_ request: Request, memoryBytes: Int, _ handlers: Handlers) {
    self.request = request
    requestBytes = memoryBytes
    self.handlers = handlers
  }

  @inlinable
  func answerAtOnce(_ context: ServerContext, _ call: any ServerCall) throws -> Bool {
    guard let response = try handlers.atOnce(request, context) else { return false }
    try ServerMethod.answer(call, with: response)
    return true
  }

  @inlinable
  func answer(_ context: ServerContext, _ call: any ServerCall) async throws {
    try ServerMethod.answer(call, with: try await handlers.handler(request, context))
  }
}

@usableFromInline
final class PreparedStreamingCall: PreparedCall {
  @usableFromInline let requestBytes: Int
  @usableFromInline let body: ServerMethod.Body

  @inlinable
  init(memoryBytes: Int, _ body: @escaping ServerMethod.Body) {
    requestBytes = memoryBytes
    self.body = body
  }

  @inlinable
  func answerAtOnce(_ context: ServerContext, _ call: any ServerCall) throws -> Bool { false }

  @inlinable
  func answer(_ context: ServerContext, _ call: any ServerCall) async throws { try await body(context, call) }
}
