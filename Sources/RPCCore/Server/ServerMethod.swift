public import ProtobufC

/// One method of a service: its name, its kind, and how bytes reach its handler. A class, since every call keeps
/// the one it is for.
public final class ServerMethod: Sendable {
  /// The rest of a call once its stream is opened.
  public typealias Body = @Sendable (ServerContext, any ServerCall) async throws -> Void

  /// The two ways a request comes in.
  public enum Handler: Sendable {
    /// Exactly one message, decoded where it lies. Throws `RPCError`.
    case oneRequest(@Sendable (UnsafeRawBufferPointer, DecodeLimits, ServerContext) throws -> PreparedCall)
    /// Any number of messages, taken from the call.
    case manyRequests(@Sendable (DecodeLimits) -> Body)
  }

  /// The name.
  public let descriptor: MethodDescriptor
  /// The handler.
  public let handler: Handler
  /// What is done around each call.
  public let interceptors: CallInterceptors

  /// A method of its own making. Services use the functions below, through their generated code.
  public init(_ descriptor: MethodDescriptor, _ handler: Handler, interceptors: CallInterceptors = CallInterceptors()) {
    self.descriptor = descriptor
    self.handler = handler
    self.interceptors = interceptors
  }

  func intercepted(by interceptors: [any ServerInterceptor]) -> ServerMethod {
    if interceptors.isEmpty { return self }
    let own = CallInterceptors(interceptors.compactMap { $0.interceptor(for: descriptor) })
    return ServerMethod(descriptor, handler, interceptors: own)
  }

  /// One request, one response. What `atOnce` answers, `handler` does not hear of. It is asked as soon as the message
  /// is there, which is lent to it, and is not to wait.
  @inlinable
  public static func unary<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ descriptor: MethodDescriptor,
    atOnce: @escaping @Sendable (LentMessage<Request>, ServerContext) throws -> ServerResponse<Response>? = { _, _ in
      nil
    },
    _ handler: @escaping @Sendable (Request, ServerContext) async throws -> ServerResponse<Response>
  ) -> ServerMethod {
    ServerMethod(
      descriptor.ofKind(.unary),
      .oneRequest { bytes, limits, context in
        try Request.lending(bytes, limits: limits, refusal: { refusal(of: $0) as any Error }) { lent in
          if let response = try atOnce(lent, context) { return .answered(UnaryAnswer(response)) }
          let request = lent.copy()
          return .waiting(
            { context, call in try UnaryAnswer(try await handler(request, context)).send(to: call) },
            requestBytes: lent.memoryBytes)
        }
      })
  }

  /// One request, any number of responses.
  @inlinable
  public static func serverStreaming<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ descriptor: MethodDescriptor,
    _ handler: @escaping @Sendable (Request, ResponseWriter<Response>, ServerContext) async throws -> Void
  ) -> ServerMethod {
    ServerMethod(
      descriptor.ofKind(.serverStreaming),
      .oneRequest { bytes, limits, _ in
        var memoryBytes = 0
        let request: Request = try decode(bytes, limits, &memoryBytes)
        return .waiting(
          { context, call in try await handler(request, ResponseWriter(call), context) }, requestBytes: memoryBytes)
      })
  }

  /// Any number of requests, one response.
  @inlinable
  public static func clientStreaming<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ descriptor: MethodDescriptor,
    _ handler: @escaping @Sendable (RequestStream<Request>, ServerContext) async throws -> ServerResponse<Response>
  ) -> ServerMethod {
    ServerMethod(
      descriptor.ofKind(.clientStreaming),
      .manyRequests { limits in
        { context, call in
          try UnaryAnswer(try await handler(RequestStream(call, limits: limits), context)).send(to: call)
        }
      })
  }

  /// Any number of requests and responses, each side at its own pace.
  @inlinable
  public static func bidirectionalStreaming<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ descriptor: MethodDescriptor,
    _ handler:
      @escaping @Sendable (RequestStream<Request>, ResponseWriter<Response>, ServerContext) async throws -> Void
  ) -> ServerMethod {
    ServerMethod(
      descriptor.ofKind(.bidirectionalStreaming),
      .manyRequests { limits in
        { context, call in
          try await handler(RequestStream(call, limits: limits), ResponseWriter(call), context)
        }
      })
  }

  /// Decodes a request.
  /// - Throws: INVALID_ARGUMENT with the place, or RESOURCE_EXHAUSTED where decoding would take too much.
  @inlinable
  static func decode<Message: ProtobufMessage>(
    _ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits, _ memoryBytes: inout Int
  ) throws -> Message {
    do {
      return try Message(decoding: bytes, limits: limits, memoryBytes: &memoryBytes)
    } catch {
      throw refusal(of: error)
    }
  }

  @usableFromInline
  static func refusal(of error: DecodeError) -> RPCError {
    switch error.kind {
    case .tooLarge: RPCError(.resourceExhausted, error.description)
    case .truncated, .malformed, .wrongWireType, .invalidUTF8, .containsNUL, .tooDeep, .tooManyMerges:
      RPCError(.invalidArgument, error.description)
    }
  }
}

/// A service: methods that a server can route to. The generated protocol of each service refines it.
public protocol RPCService: Sendable {
  /// The methods.
  var methods: [ServerMethod] { get }
  /// The proto file that declares the service; nil for one that is made by hand.
  var fileDescriptor: FileDescriptor? { get }
}

extension RPCService {
  /// None.
  public var fileDescriptor: FileDescriptor? { nil }
}
