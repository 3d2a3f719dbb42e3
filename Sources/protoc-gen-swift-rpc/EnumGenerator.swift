import SwiftProtobufPluginLibrary

/// Generates an open Swift enum: a case for each value, and `unrecognized` for all others.
struct EnumGenerator {
  private let enumeration: EnumDescriptor
  private let names: SwiftNames

  init(_ enumeration: EnumDescriptor, _ names: SwiftNames) {
    self.enumeration = enumeration
    self.names = names
  }

  func print(_ printer: inout CodePrinter, _ visibility: String) {
    let values = enumeration.distinctValues
    printer.print(docComment(of: enumeration, or: "The enum `\(enumeration.fullName)`."))
    printer.print("\(visibility) enum \(names.relative(enumeration)): ProtobufC.ProtobufEnum, Swift.CaseIterable {")
    printer.withIndentation { printer in
      for value in values {
        printer.print(comment(of: value))
        printer.print("case \(names.enumCase(value))")
      }
      printer.print("/// A value that this schema has no name for; never one of the numbers above.")
      printer.print("case unrecognized(Int32)")
      printAliases(&printer, visibility)
      printConversions(&printer, visibility, values)
    }
    printer.print("}")
  }

  private func printAliases(_ printer: inout CodePrinter, _ visibility: String) {
    var printed = Set(enumeration.distinctValues.map(names.enumCase))
    for original in enumeration.distinctValues {
      for alias in enumeration.values where alias.number == original.number {
        // Two names may be the same once the prefix is gone.
        guard printed.insert(names.enumCase(alias)).inserted else { continue }
        printer.print("")
        printer.print(comment(of: alias))
        printer.print("\(visibility) static var \(names.enumCase(alias)): Self { .\(names.enumCase(original)) }")
      }
    }
  }

  private func printConversions(_ printer: inout CodePrinter, _ visibility: String, _ values: [EnumValueDescriptor]) {
    printer.print(
      """

      /// The values that have names.
      \(visibility) static var allCases: [Self] {
        [\(values.map { ".\(names.enumCase($0))" }.joined(separator: ", "))]
      }

      /// The value with number 0.
      \(visibility) init() { self = .\(names.enumCase(enumeration.zeroValue)) }

      /// The value with number `rawValue`, `.unrecognized` where it has no name.
      \(visibility) init(rawValue: Int32) {
        switch rawValue {
      """)
    for value in values { printer.print("  case \(value.number): self = .\(names.enumCase(value))") }
    printer.print(
      """
        default: self = .unrecognized(rawValue)
        }
      }

      /// The number on the wire.
      \(visibility) var rawValue: Int32 {
        switch self {
      """)
    for value in values { printer.print("  case .\(names.enumCase(value)): \(value.number)") }
    printer.print(
      """
        case .unrecognized(let value): value
        }
      }
      """)
  }

  private func comment(of value: EnumValueDescriptor) -> String {
    docComment(of: value, isDeprecated: value.options.deprecated, or: "`\(value.name)`, \(value.number).")
  }
}

extension EnumDescriptor {
  /// The first value of each number, in the order of the file.
  fileprivate var distinctValues: [EnumValueDescriptor] {
    var numbers: Set<Int32> = []
    return values.filter { numbers.insert($0.number).inserted }
  }

  /// The first value, which is 0 in proto3.
  var zeroValue: EnumValueDescriptor { values[0] }
}
