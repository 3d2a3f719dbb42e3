import SwiftProtobufPluginLibrary

/// Generates one oneof: its enum, its property, a property for each field, and its part of the conversions.
struct OneofGenerator {
  private struct Case {
    let field: FieldDescriptor
    let name: String
    let kind: ValueKind
    var member: String { "c.pointee.\(CNames.escaped(CNames.member(field)))" }
  }

  private let oneof: OneofDescriptor
  private let type: String
  private let property: String
  private let cases: [Case]

  init(_ oneof: OneofDescriptor, _ names: SwiftNames) throws {
    self.oneof = oneof
    type = names.type(oneof)
    property = names.property(oneof)
    cases = try oneof.fields.map { field in
      Case(
        field: field, name: names.property(field), kind: try ValueKind(field, names, in: oneof.containingType))
    }
  }

  func printProperties(_ printer: inout CodePrinter, _ visibility: String) {
    printer.print(docComment(of: oneof, or: "Which field of `\(oneof.name)` is set; nil when none is."))
    printer.print("\(visibility) var \(property): \(type)?")
    for item in cases {
      let comment = docComment(
        of: item.field, isDeprecated: item.field.options.deprecated,
        or: "`\(item.field.name)`, field \(item.field.number).")
      printer.print(
        """

        \(comment)
        ///
        /// Nil when another field of `\(oneof.name)` is set, or none.
        \(visibility) var \(item.name): \(item.kind.swiftType)? {
          if case .\(item.name)(let value)? = self.\(property) { value } else { nil }
        }
        """)
    }
  }

  func printType(_ printer: inout CodePrinter, _ visibility: String) {
    let indirect = cases.contains(where: \.field.isRecursive) ? "indirect " : ""
    printer.print("/// The fields of `\(oneof.name)`, of which at most one is set.")
    printer.print("\(visibility) \(indirect)enum \(type): Sendable, Hashable {")
    printer.withIndentation { printer in
      for item in cases {
        let fallback = "`\(item.field.name)`, field \(item.field.number)."
        printer.print(docComment(of: item.field, isDeprecated: item.field.options.deprecated, or: fallback))
        printer.print("case \(item.name)(\(item.kind.swiftType))")
      }
    }
    printer.print("}")
  }

  func printRead(_ printer: inout CodePrinter) {
    let target = "self.\(property)"
    printer.print("switch c.pointee.\(CNames.unionCase(oneof)).rawValue {")
    for item in cases {
      printer.print(
        "case \(item.field.number): \(target) = \(type).\(item.name)(\(item.kind.read(item.member)))")
    }
    printer.print("default: \(target) = nil")
    printer.print("}")
  }

  func printWrite(_ printer: inout CodePrinter) {
    printer.print("switch self.\(property) {")
    for item in cases {
      printer.print(
        """
        case .\(item.name)(let value)?:
          c.pointee.\(CNames.unionCase(oneof)) = .init(rawValue: \(item.field.number))
          \(item.member) = \(item.kind.write("value", isPresent: true))
        """)
    }
    printer.print("case nil: break")
    printer.print("}")
  }
}
