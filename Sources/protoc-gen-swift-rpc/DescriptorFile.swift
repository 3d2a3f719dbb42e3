import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// The Swift file with a proto file's own descriptor.
struct DescriptorFile {
  private let file: FileDescriptor
  private let names: SwiftNames
  private let options: Options

  init(_ file: FileDescriptor, _ names: SwiftNames, _ options: Options) {
    self.file = file
    self.names = names
    self.options = options
  }

  func contents() throws -> String {
    let visibility = options.visibility.keyword
    // Others are not generated, and everybody has them: google/protobuf/descriptor.proto.
    let dependencies = file.dependencies.filter { $0.edition == .proto3 }
    var printer = CodePrinter(addNewlines: true)
    printHeader(&printer, of: file, imports: ["ProtobufC"], visibility)
    // Not for what is declared. Without an access level beside other files' `public import`: `internal` would ask for
    // one in every file of the module that imports the same.
    let hidden = options.visibility == .public ? "import" : "internal import"
    for module in modules(of: dependencies, besides: file, options) { printer.print("\(hidden) \(module)") }
    let constants = dependencies.map { ".\(names.constant($0))" }
    printer.print(
      """

      extension ProtobufC.FileDescriptor {
        /// `\(file.name)`.
        \(visibility) static let \(names.constant(file)) = ProtobufC.FileDescriptor(
          "\(file.name)",
          dependencies: [\(constants.joined(separator: ", "))],
          serialized: \"""
      """)
    let bytes: [UInt8] = try file.extractProto().serializedBytes()
    for line in Self.literal(bytes) { printer.print("      \(line)") }
    printer.print(
      """
            \""")
      }
      """)
    return printer.content
  }

  // The lines of a string literal with a scalar for each byte; all but the last end in a backslash, which joins them.
  private static func literal(_ bytes: [UInt8]) -> [String] {
    let lengthMax = 112
    var lines = [""]
    for byte in bytes {
      let scalar = Unicode.Scalar(byte)
      let text =
        switch scalar {
        case "\n": "\\n"
        case "\"", "\\": "\\\(scalar)"
        case " "..."~": String(scalar)
        default: "\\u{\(String(byte, radix: 16))}"
        }
      if lines[lines.count - 1].utf8.count + text.utf8.count > lengthMax {
        lines[lines.count - 1] += "\\"
        lines.append("")
      }
      lines[lines.count - 1] += text
    }
    return lines
  }
}
