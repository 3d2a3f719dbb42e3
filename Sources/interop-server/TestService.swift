import InteropAPI
import RPCCore

/// `grpc.testing.TestService` as the clients of gRPC's interoperability tests expect it
/// (grpc/doc/interop-test-descriptions.md, "Server").
struct TestService: Grpc_Testing_TestService {
  /// Bytes of one payload; whoever asks for more is refused.
  static let payloadBytesMax = 4 << 20
  /// Responses that half-duplex calls owe at most before they begin to answer.
  static let owedResponsesMax = 10_000

  // What intervals go by.
  private let clock: any Clock<Duration>
  // Nanoseconds since 1970.
  private let timestamp: @Sendable () -> Int64

  init(clock: any Clock<Duration> = ContinuousClock(), timestamp: @escaping @Sendable () -> Int64) {
    self.clock = clock
    self.timestamp = timestamp
  }

  // MARK: One request, one response

  func emptyCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_Empty> {
    try ServerResponse(request)
  }

  func unaryCall(
    _ request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_SimpleResponse> {
    let echo = MetadataEcho(of: context.metadata)
    try request.expectCompressed?.check(context.requestWasCompressed)
    if let error = request.responseStatus?.error(trailers: echo.trailing) { throw error }
    let payload = try Grpc_Testing_Payload(request.responseType, size: request.responseSize)
    var response = try ServerResponse(Grpc_Testing_SimpleResponse.with { $0.payload = payload })
    response.metadata = echo.initial
    response.trailers = echo.trailing
    response.compression = CompressionChoice(request.responseCompressed)
    return response
  }

  func cacheableUnaryCall(
    _ request: Grpc_Testing_SimpleRequest, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_SimpleResponse> {
    let body = Array("\(timestamp())".utf8)
    var response = try ServerResponse(Grpc_Testing_SimpleResponse.with { $0.payload = .with { $0.body = body } })
    response.metadata.add("cache-control", "max-age=60, public")
    return response
  }

  func unimplementedCall(
    _ request: Grpc_Testing_Empty, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_Empty> {
    throw RPCError(.unimplemented, "UnimplementedCall is not implemented, on purpose")
  }

  // MARK: Streams

  func streamingInputCall(
    _ requests: RequestStream<Grpc_Testing_StreamingInputCallRequest>, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Testing_StreamingInputCallResponse> {
    var bytes: Int32 = 0
    var iterator = requests.makeAsyncIterator()
    while let request = try await iterator.next() {
      try request.expectCompressed?.check(iterator.lastWasCompressed)
      bytes &+= Int32(truncatingIfNeeded: request.payload?.body.count ?? 0)
    }
    return try ServerResponse(.with { $0.aggregatedPayloadSize = bytes })
  }

  func streamingOutputCall(
    _ request: Grpc_Testing_StreamingOutputCallRequest,
    to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    try await answer(request, responses)
  }

  func fullDuplexCall(
    _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    let echo = MetadataEcho(of: context.metadata)
    if !echo.initial.isEmpty { responses.send(echo.initial) }
    responses.addTrailers(echo.trailing)
    for try await request in requests { try await answer(request, responses) }
  }

  func halfDuplexCall(
    _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
    to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    var owed = Grpc_Testing_StreamingOutputCallRequest()
    for try await request in requests where owed.responseStatus == nil {
      owed.responseType = request.responseType
      owed.responseParameters += request.responseParameters
      owed.responseStatus = request.responseStatus
      guard owed.responseParameters.count <= Self.owedResponsesMax else {
        throw RPCError(.resourceExhausted, "a half-duplex call has at most \(Self.owedResponsesMax) responses")
      }
    }
    try await answer(owed, responses)
  }

  private func answer(
    _ request: Grpc_Testing_StreamingOutputCallRequest,
    _ responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>
  ) async throws {
    for parameters in request.responseParameters {
      if parameters.intervalUs > 0 { try await clock.sleep(for: .microseconds(parameters.intervalUs)) }
      let payload = try Grpc_Testing_Payload(request.responseType, size: parameters.size)
      let compression = CompressionChoice(parameters.compressed)
      try await responses.send(.with { $0.payload = payload }, compression: compression)
    }
    if let error = request.responseStatus?.error(trailers: Metadata()) { throw error }
  }
}

/// What a caller wants back of its metadata ("Echo Metadata").
private struct MetadataEcho {
  private(set) var initial = Metadata()
  private(set) var trailing = Metadata()

  init(of metadata: Metadata) {
    if let text = metadata[text: "x-grpc-test-echo-initial"] { initial.add("x-grpc-test-echo-initial", text) }
    if let bytes = metadata[binary: "x-grpc-test-echo-trailing-bin"] {
      trailing.add("x-grpc-test-echo-trailing-bin", bytes)
    }
  }
}

extension Grpc_Testing_BoolValue {
  /// - Throws: INVALID_ARGUMENT where a request is not compressed as this says it is.
  fileprivate func check(_ wasCompressed: Bool) throws {
    guard wasCompressed == value else {
      throw RPCError(.invalidArgument, "the request was\(wasCompressed ? "" : " not") compressed; expected otherwise")
    }
  }
}

extension CompressionChoice {
  fileprivate init(_ wanted: Grpc_Testing_BoolValue?) {
    self = wanted.map { $0.value ? .always : .never } ?? .inKind
  }
}

extension Grpc_Testing_EchoStatus {
  /// The error that the caller asks for; nil where it asks for OK.
  fileprivate func error(trailers: Metadata) -> RPCError? {
    code == 0 ? nil : RPCError(StatusCode(rawValue: Int(code)) ?? .unknown, message, trailers: trailers)
  }
}

extension Grpc_Testing_Payload {
  /// `size` zeros.
  /// - Throws: INVALID_ARGUMENT for a type that is not known, or a size that is negative or too large.
  fileprivate init(_ type: Grpc_Testing_PayloadType, size: Int32) throws {
    guard type == .compressable else {
      throw RPCError(.invalidArgument, "the payload type is \(type.rawValue); expected COMPRESSABLE, 0")
    }
    guard (0...TestService.payloadBytesMax).contains(Int(size)) else {
      throw RPCError(.invalidArgument, "the size is \(size); expected 0 to \(TestService.payloadBytesMax)")
    }
    self.init()
    body = [UInt8](repeating: 0, count: Int(size))
  }
}
