import SwiftProtobufPluginLibrary

/// Generates a message's struct, its conversions from and to C, and its nested types.
struct MessageGenerator {
  private let message: Descriptor
  private let names: SwiftNames
  private let visibility: String
  private let fields: [FieldGenerator]
  private let oneofs: [OneofGenerator]
  private let nested: [MessageGenerator]

  init(_ message: Descriptor, _ names: SwiftNames, _ visibility: String) throws {
    self.message = message
    self.names = names
    self.visibility = visibility
    fields = try message.fields.filter { $0.realContainingOneof == nil }.map { try FieldGenerator($0, names) }
    oneofs = try message.realOneofs.map { try OneofGenerator($0, names) }
    nested = try message.messages.filter { !$0.options.mapEntry }.map { try MessageGenerator($0, names, visibility) }
  }

  /// Prints the struct and what is nested in it, each type in an extension of the one around it.
  func print(_ printer: inout CodePrinter) {
    printer.print("")
    if let outer = message.containingType {
      printer.print("extension \(names.full(outer)) {")
      printer.withIndentation { printer in printStruct(&printer) }
      printer.print("}")
    } else {
      printStruct(&printer)
    }
    printConversions(&printer)
    for enumeration in message.enums {
      printer.print("")
      printer.print("extension \(names.full(message)) {")
      printer.withIndentation { printer in EnumGenerator(enumeration, names).print(&printer, visibility) }
      printer.print("}")
    }
    for inner in nested { inner.print(&printer) }
  }

  private func printStruct(_ printer: inout CodePrinter) {
    printer.print(
      docComment(
        of: message, isDeprecated: message.options.deprecated, or: "The message `\(message.fullName)`."))
    printer.print("\(visibility) struct \(names.relative(message)): Sendable, Hashable {")
    printer.withIndentation { printer in
      for field in fields {
        field.printProperty(&printer, visibility)
        printer.print("")
      }
      for oneof in oneofs {
        oneof.printProperties(&printer, visibility)
        printer.print("")
      }
      printer.print("/// Every field at its default.")
      printer.print("\(visibility) init() {}")
      for oneof in oneofs {
        printer.print("")
        oneof.printType(&printer, visibility)
      }
    }
    printer.print("}")
  }

  private func printConversions(_ printer: inout CodePrinter) {
    let cType = CNames.type(message)
    let initializer = CNames.initializer(message)
    printer.print(
      """

      extension \(names.full(message)): ProtobufC.ProtobufMessage {
        /// The struct that protoc-c generated.
        \(visibility) typealias CMessage = \(cType)

        /// `\(message.fullName)`.
        \(visibility) static let fullName = "\(message.fullName)"

        /// What protobuf-c knows of the message. Static, and never written.
        \(visibility) nonisolated(unsafe) static let descriptor = ProtobufC.messageDescriptor(setBy: \(initializer))

        /// Copies a C message that passed the bounds check.
        \(visibility) init(copying c: Swift.UnsafePointer<CMessage>) {
      """)
    printBody(&printer, fields.map { $0.printRead }, oneofs.map { $0.printRead })
    printer.print(
      """
        }

        /// Initializes `c` and sets its fields.
        \(visibility) func fill(_ c: Swift.UnsafeMutablePointer<CMessage>, in arena: inout ProtobufC.Arena) {
          \(initializer)(c)
      """)
    printBody(&printer, fields.map { $0.printWrite }, oneofs.map { $0.printWrite })
    printer.print(
      """
        }
      }
      """)
  }

  private func printBody(_ printer: inout CodePrinter, _ parts: [(inout CodePrinter) -> Void]...) {
    printer.indent()
    printer.indent()
    for print in parts.joined() { print(&printer) }
    printer.outdent()
    printer.outdent()
  }
}
