import ProtobufC
public import RPCCore

/// `grpc.reflection.v1.ServerReflection`: tells clients that have no proto files what is served, and the files that
/// declare it (grpc/doc/server-reflection.md).
///
/// A request that finds nothing is answered with an error in the stream, which goes on. Files come with all that they
/// import; what was sent in the same stream as an import is not sent as one again.
public struct ReflectionService: Grpc_Reflection_V1_ServerReflection {
  private let services: [String]
  private let index: DescriptorIndex

  /// The services that describe `services` and themselves: reflection v1, and v1alpha for older clients.
  /// - Throws: `DecodeError` where a descriptor is none.
  public static func versions(describing services: [any RPCService]) throws -> [any RPCService] {
    let own: [(name: String, file: FileDescriptor)] = [
      (Grpc_Reflection_V1_ServerReflectionMethods.name, .grpc_reflection_v1_reflection_proto),
      (Grpc_Reflection_V1alpha_ServerReflectionMethods.name, .grpc_reflection_v1alpha_reflection_proto),
    ]
    let names = services.flatMap(\.methods).map(\.descriptor.service) + own.map(\.name)
    let index = try DescriptorIndex(services.compactMap(\.fileDescriptor) + own.map(\.file))
    let service = ReflectionService(services: Set(names).sorted(), index: index)
    return [service, Version1Alpha(service: service)]
  }

  private init(services: [String], index: DescriptorIndex) {
    self.services = services
    self.index = index
  }

  /// Answers each request in turn.
  public func serverReflectionInfo(
    _ requests: RequestStream<Grpc_Reflection_V1_ServerReflectionRequest>,
    to responses: ResponseWriter<Grpc_Reflection_V1_ServerReflectionResponse>, context: ServerContext
  ) async throws {
    var sentPaths: Set<String> = []
    for try await request in requests {
      try await responses.send(
        .with { response in
          response.validHost = request.host
          response.originalRequest = request
          response.messageResponse = answer(to: request.messageRequest, &sentPaths)
        })
    }
  }

  private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest.OneOf_MessageRequest
  private typealias Answer = Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse

  private func answer(to request: Request?, _ sentPaths: inout Set<String>) -> Answer {
    switch request {
    case .fileByFilename(let path):
      return files(index.file(at: path), &sentPaths) ?? .notFound("no file \"\(path)\"")
    case .fileContainingSymbol(let symbol):
      return files(index.file(declaring: symbol), &sentPaths) ?? .notFound("no symbol \"\(symbol)\"")
    case .fileContainingExtension(let request):
      let (message, number) = (request.containingType, request.extensionNumber)
      return files(index.file(extending: message, by: number), &sentPaths)
        ?? .notFound("no extension \(number) of \"\(message)\"")
    case .allExtensionNumbersOfType(let message):
      guard let numbers = index.extensionNumbers(of: message) else { return .notFound("no symbol \"\(message)\"") }
      return .allExtensionNumbersResponse(
        .with {
          $0.baseTypeName = message
          $0.extensionNumber = numbers
        })
    case .listServices:
      return .listServicesResponse(.with { $0.service = services.map { name in .with { $0.name = name } } })
    case nil:
      return .error(.invalidArgument, "a request asks for a file, a symbol, an extension, numbers or services")
    }
  }

  /// `file`, whatever was sent before, and those of its imports that were not.
  private func files(_ file: FileDescriptor?, _ sentPaths: inout Set<String>) -> Answer? {
    guard let file else { return nil }
    sentPaths.insert(file.path)
    var found = [file]
    var next = 0
    while next < found.count {
      found += found[next].dependencies.filter { sentPaths.insert($0.path).inserted }
      next += 1
    }
    return .fileDescriptorResponse(.with { $0.fileDescriptorProto = found.map(\.serialized) })
  }
}

/// `grpc.reflection.v1alpha.ServerReflection`, whose messages are the same bytes as those of v1.
private struct Version1Alpha: RPCService {
  let service: ReflectionService

  var methods: [ServerMethod] {
    [
      .bidirectionalStreaming(Grpc_Reflection_V1alpha_ServerReflectionMethods.serverReflectionInfo) {
        try await service.serverReflectionInfo($0, to: $1, context: $2)
      }
    ]
  }

  var fileDescriptor: FileDescriptor? { .grpc_reflection_v1alpha_reflection_proto }
}

extension Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
  private static let messageBytesMax = 256

  fileprivate static func notFound(_ message: String) -> Self { error(.notFound, message) }

  fileprivate static func error(_ code: StatusCode, _ message: String) -> Self {
    .errorResponse(
      .with {
        $0.errorCode = Int32(code.rawValue)
        $0.errorMessage = message.shortened(toBytes: messageBytesMax)
      })
  }
}
