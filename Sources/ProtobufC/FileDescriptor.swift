/// A proto file as servers describe it to clients that do not have it. `protoc-gen-swift-rpc` generates one for each
/// file.
public final class FileDescriptor: Sendable {
  /// What other files import it by, such as `google/protobuf/timestamp.proto`.
  public let path: String
  /// The files that it imports.
  public let dependencies: [FileDescriptor]
  /// The serialized `google.protobuf.FileDescriptorProto`, without comments and positions.
  public let serialized: [UInt8]

  /// A file by its path. `text` has a scalar for each byte: of all literals, strings compile fastest and take the least
  /// room.
  public init(_ path: String, dependencies: [FileDescriptor], serialized text: String) {
    self.path = path
    self.dependencies = dependencies
    serialized = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
  }
}
