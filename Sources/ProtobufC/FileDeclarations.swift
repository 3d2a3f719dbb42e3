/// What a proto file declares, found in its descriptor (google/protobuf/descriptor.proto).
public struct FileDeclarations: Sendable {
  /// One extension: the message that it extends, and the number of its field there.
  public struct Extension: Sendable, Hashable {
    /// The extended message's full name.
    public let extended: String
    /// The field's number.
    public let number: Int32
  }

  /// The full names of all messages, fields, oneofs, enums, values, services, methods and extensions.
  public private(set) var symbols: [String] = []
  /// The extensions.
  public private(set) var extensions: [Extension] = []

  /// Reads the descriptor of `file`.
  /// - Throws: `DecodeError` where it is none.
  public init(of file: FileDescriptor) throws {
    try file.serialized.withUnsafeBytes { try read($0, as: .file, in: "") }
  }

  private enum Kind {
    case file, message, enumeration, service, `extension`
    // Without declarations inside.
    case member

    /// What a field of this kind's descriptor declares.
    func declaration(in field: UInt32) -> Kind? {
      switch (self, field) {
      case (.file, 4), (.message, 3): .message
      case (.file, 5), (.message, 4): .enumeration
      case (.file, 6): .service
      case (.file, 7), (.message, 6): .extension
      case (.message, 2), (.message, 8), (.enumeration, 2), (.service, 2): .member
      default: nil
      }
    }
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer, as kind: Kind, in scope: String) throws {
    var reader = WireReader(bytes)
    var (name, extended, number) = ("", "", Int32(0))
    var inner: [(bytes: UnsafeRawBufferPointer, kind: Kind)] = []
    while !reader.isAtEnd {
      let (field, wireType) = try reader.tag()
      switch (kind, field, wireType) {
      // A file's name is its path; what it declares is in its package.
      case (.file, 2, .lengthDelimited): name = String(decoding: try reader.lengthDelimited(), as: UTF8.self)
      case (.file, 1, _): _ = try reader.skip(wireType)
      case (_, 1, .lengthDelimited): name = String(decoding: try reader.lengthDelimited(), as: UTF8.self)
      case (.extension, 2, .lengthDelimited):
        // Fully qualified, with a dot in front.
        extended = String(decoding: try reader.lengthDelimited().dropFirst(), as: UTF8.self)
      case (.extension, 3, .varint): number = try reader.int32()
      case (_, _, .lengthDelimited):
        let bytes = try reader.lengthDelimited()
        if let kind = kind.declaration(in: field) { inner.append((bytes, kind)) }
      default: _ = try reader.skip(wireType)
      }
    }
    let fullName = scope.isEmpty ? name : "\(scope).\(name)"
    if kind != .file { symbols.append(fullName) }
    if kind == .extension { extensions.append(Extension(extended: extended, number: number)) }
    // The values of an enum are its neighbours, not inside it.
    for (bytes, innerKind) in inner { try read(bytes, as: innerKind, in: kind == .enumeration ? scope : fullName) }
  }
}
