public import ProtobufC

// The four kinds of calls over any transport. Generated stubs are one line each over these.
extension ClientTransport {
  /// One request, one response.
  /// - Throws: `RPCError`.
  @inlinable
  public func unary<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
  ) async throws -> Response {
    let call = start(method, options)
    return try await withTaskCancellationHandler {
      try await call.send(.framing(request).compressed(call.encoding))
      try await call.finishSending()
      return try await call.onlyResponse()
    } onCancel: {
      call.cancel()
    }
  }

  /// One request, any number of responses.
  /// - Throws: `RPCError`; later failures come from the stream.
  @inlinable
  public func serverStreaming<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
  ) async throws -> ResponseStream<Response> {
    let call = start(method, options)
    let responses = ResponseStream<Response>(call)
    try await withTaskCancellationHandler {
      try await call.send(.framing(request).compressed(call.encoding))
      try await call.finishSending()
    } onCancel: {
      call.cancel()
    }
    return responses
  }

  /// Any number of requests, written by `produce`; one response once it returns.
  /// - Throws: `RPCError`, or what `produce` throws, which cancels the call.
  @inlinable
  public func clientStreaming<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ method: MethodDescriptor, _ options: CallOptions,
    _ produce: (RequestWriter<Request>) async throws -> Void
  ) async throws -> Response {
    let call = start(method, options)
    return try await withTaskCancellationHandler {
      do {
        try await produce(RequestWriter(call))
      } catch {
        call.cancel()
        throw error
      }
      try await call.finishSending()
      return try await call.onlyResponse()
    } onCancel: {
      call.cancel()
    }
  }

  /// Any number of requests and responses.
  @inlinable
  public func bidirectionalStreaming<Request: ProtobufMessage, Response: ProtobufMessage>(
    _ method: MethodDescriptor, _ options: CallOptions
  ) -> BidirectionalCall<Request, Response> {
    let call = start(method, options)
    return BidirectionalCall(requests: RequestWriter(call), responses: ResponseStream(call))
  }

  @usableFromInline
  func start(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    let call = open(method, options)
    options.responseMetadata?.follow(call)
    return call
  }
}

extension ClientCall {
  @inlinable
  func onlyResponse<Response: ProtobufMessage>() async throws -> Response {
    guard let frame = try await nextResponse() else {
      throw RPCError(.unimplemented, "the server answered without a message; expected exactly one")
    }
    let response: Response = try decodeResponse(frame)
    guard try await nextResponse() == nil else {
      cancel()
      throw RPCError(.unimplemented, "the server answered with several messages; expected exactly one")
    }
    return response
  }
}

@inlinable
func decodeResponse<Response: ProtobufMessage>(_ frame: FramedMessage) throws -> Response {
  do {
    return try frame.withPayload { try Response(decoding: $0) }
  } catch {
    throw RPCError(.internal, "the server's message cannot be decoded: \(error)")
  }
}

/// Sends the requests of a streaming call. One task writes at a time.
public struct RequestWriter<Message: ProtobufMessage>: Sendable {
  @usableFromInline let call: any ClientCall

  /// Writes to `call`.
  public init(_ call: any ClientCall) { self.call = call }

  /// Sends a message; returns when there is room for another. With `isCompressible` false it is not compressed,
  /// whatever the call's options say.
  /// - Throws: the call's `RPCError` if it is over.
  @inlinable
  public func send(_ message: Message, isCompressible: Bool = true) async throws {
    let frame = try FramedMessage.framing(message)
    try await call.send(isCompressible ? frame.compressed(call.encoding) : frame)
  }

  /// Says that no more messages come.
  public func finish() async throws { try await call.finishSending() }
}

/// The responses of a streaming call, in order; throws the `RPCError` that the call ended with, if not OK. The
/// call is cancelled when the stream is dropped or the task that waits for it is cancelled. For one consumer.
public struct ResponseStream<Message: ProtobufMessage>: AsyncSequence, Sendable {
  // Ends the call when nobody can read it any more.
  @usableFromInline
  final class Lease: Sendable {
    @usableFromInline let call: any ClientCall
    @usableFromInline init(_ call: any ClientCall) { self.call = call }
    deinit { call.cancel() }
  }

  @usableFromInline let lease: Lease

  /// Reads from `call`.
  public init(_ call: any ClientCall) { lease = Lease(call) }

  /// An iterator; there is one position, whoever iterates.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }

  /// Ends the call.
  public func cancel() { lease.call.cancel() }

  /// Takes one response at a time.
  public struct AsyncIterator: AsyncIteratorProtocol {
    @usableFromInline let lease: Lease

    @usableFromInline init(lease: Lease) { self.lease = lease }

    /// The next response; nil once the call ended with OK.
    @inlinable
    public mutating func next() async throws -> Message? {
      let call = lease.call
      return try await withTaskCancellationHandler {
        guard let frame = try await call.nextResponse() else { return nil }
        return try decodeResponse(frame)
      } onCancel: {
        call.cancel()
      }
    }
  }
}

/// A call whose two directions go at their own pace.
public struct BidirectionalCall<Request: ProtobufMessage, Response: ProtobufMessage>: Sendable {
  /// Sends requests; `finish` it when done.
  public let requests: RequestWriter<Request>
  /// The responses.
  public let responses: ResponseStream<Response>

  /// A call of both directions.
  public init(requests: RequestWriter<Request>, responses: ResponseStream<Response>) {
    self.requests = requests
    self.responses = responses
  }
}
