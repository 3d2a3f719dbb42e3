public import ProtobufWellKnownTypes
public import RPCCore

/// The message of hand-made calls.
public typealias Text = Google_Protobuf_StringValue

extension Google_Protobuf_StringValue {
  /// A message of `text`.
  public init(_ text: String) {
    self.init()
    value = text
  }
}

/// A service of whatever methods a test needs.
public struct HandMadeService: RPCService {
  /// The methods.
  public let methods: [ServerMethod]

  /// A service of `methods`.
  public init(_ methods: ServerMethod...) { self.methods = methods }
}

extension MethodDescriptor {
  /// A method of `test.Calls`.
  public static func test(_ name: String) -> MethodDescriptor {
    MethodDescriptor(service: "test.Calls", method: name)
  }
}

/// One method of each kind, as hand-made services have them.
public enum Calls {
  /// One request, one response.
  public static let unary = MethodDescriptor.test("Unary")
  /// One request, many responses.
  public static let serverStreaming = MethodDescriptor.test("ServerStreaming")
  /// Many requests, one response.
  public static let clientStreaming = MethodDescriptor.test("ClientStreaming")
  /// Many of both.
  public static let bidirectional = MethodDescriptor.test("Bidirectional")
}

extension HandMadeService {
  /// Answers as a sound service does: gives back one text, counts up to a number, joins texts, gives back texts.
  public static let echo = HandMadeService(
    .unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) },
    .serverStreaming(Calls.serverStreaming) { (request: Text, responses: ResponseWriter<Text>, _) in
      for number in 0..<(Int(request.value) ?? 0) { try await responses.send(Text("\(number)")) }
    },
    .clientStreaming(Calls.clientStreaming) { (requests: RequestStream<Text>, _) in
      var joined: [String] = []
      for try await request in requests { joined.append(request.value) }
      return try ServerResponse(Text(joined.joined(separator: ",")))
    },
    .bidirectionalStreaming(Calls.bidirectional) {
      (requests: RequestStream<Text>, responses: ResponseWriter<Text>, _) in
      for try await request in requests { try await responses.send(request) }
    })
}

/// The error that `body` throws; nil when it throws none, or another.
public func rpcError(_ body: () async throws -> some Sendable) async -> RPCError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? RPCError
  }
}
