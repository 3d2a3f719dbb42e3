import ProtobufC

/// Which proto file declares what, of files and all that they import.
struct DescriptorIndex: Sendable {
  private var filesByPath: [String: FileDescriptor] = [:]
  private var filesBySymbol: [String: FileDescriptor] = [:]
  private var extensions: [String: [Int32: FileDescriptor]] = [:]

  /// Reads all descriptors.
  /// - Throws: `DecodeError` for one that is none.
  init(_ files: [FileDescriptor]) throws {
    var files = files
    while let file = files.popLast() {
      guard filesByPath.updateValue(file, forKey: file.path) == nil else { continue }
      files += file.dependencies
      let declarations = try FileDeclarations(of: file)
      for symbol in declarations.symbols { filesBySymbol[symbol] = file }
      for found in declarations.extensions { extensions[found.extended, default: [:]][found.number] = file }
    }
  }

  /// The file with a path.
  func file(at path: String) -> FileDescriptor? { filesByPath[path] }

  /// The file that declares a full name.
  func file(declaring symbol: String) -> FileDescriptor? { filesBySymbol[symbol] }

  /// The file that extends a message by a field with `number`.
  func file(extending message: String, by number: Int32) -> FileDescriptor? { extensions[message]?[number] }

  /// The numbers of the fields that extend a message, in order; nil for what is not known.
  func extensionNumbers(of message: String) -> [Int32]? {
    extensions[message].map { $0.keys.sorted() } ?? (filesBySymbol[message] == nil ? nil : [])
  }
}
