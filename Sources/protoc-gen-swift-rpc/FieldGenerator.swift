import SwiftProtobufPluginLibrary

/// Generates one field that is in no oneof: its property, and its lines in `init(copying:)` and `fill`.
struct FieldGenerator {
  private enum Shape {
    case single(ValueKind)
    case boxed(ValueKind)
    case array(ValueKind)
    case map(MapField)
  }

  private let field: FieldDescriptor
  private let names: SwiftNames
  private let shape: Shape
  private let property: String
  private let member: String

  init(_ field: FieldDescriptor, _ names: SwiftNames) throws {
    self.field = field
    self.names = names
    property = names.property(field)
    member = CNames.escaped(CNames.member(field))
    let scope = field.containingType
    if let map = try MapField(field, names) {
      shape = .map(map)
    } else {
      let kind = try ValueKind(field, names, in: scope)
      shape = field.isRepeated ? .array(kind) : field.isRecursive ? .boxed(kind) : .single(kind)
    }
  }

  func printProperty(_ printer: inout CodePrinter, _ visibility: String) {
    let fallback = "`\(field.name)`, field \(field.number)."
    printer.print(docComment(of: field, isDeprecated: field.options.deprecated, or: fallback))
    switch shape {
    case .single(let kind):
      if let defaultValue = kind.defaultValue {
        printer.print("\(visibility) var \(property): \(kind.swiftType) = \(defaultValue)")
      } else {
        printer.print("\(visibility) var \(property): \(kind.swiftType)?")
      }
    case .boxed(let kind):
      let box = names.box(field)
      printer.print(
        """
        \(visibility) var \(property): \(kind.swiftType)? {
          get { \(box)?.message }
          set { \(box) = newValue.map { ProtobufC.Indirect($0) } }
        }
        private var \(box): ProtobufC.Indirect<\(kind.swiftType)>?
        """)
    case .array(let kind): printer.print("\(visibility) var \(property): [\(kind.swiftType)] = []")
    case .map(let map): printer.print("\(visibility) var \(property): \(map.swiftType) = [:]")
    }
  }

  func printRead(_ printer: inout CodePrinter) {
    // Names such as `await` mean something else at the start of an expression.
    let target = "self.\(property)"
    let c = "c.pointee.\(member)"
    switch shape {
    case .single(.message), .boxed: printer.print("\(target) = ProtobufC.Field.message(\(c))")
    case .single(let kind): printer.print("\(target) = \(kind.read(c))")
    case .array(let kind):
      printer.print("\(target) = ProtobufC.Field.\(kind.arrayFunction)(\(c), c.pointee.\(CNames.count(field)))")
    case .map(let map): map.printRead(&printer, to: target, from: c, count: "c.pointee.\(CNames.count(field))")
    }
  }

  func printWrite(_ printer: inout CodePrinter) {
    let value = "self.\(property)"
    let c = "c.pointee.\(member)"
    switch shape {
    case .single(let kind), .boxed(let kind):
      printer.print("\(c) = \(kind.write(value, isPresent: false))")
    case .array(let kind):
      printer.print("\(c) = arena.\(kind.arrayFunction)(\(value))")
      printer.print("c.pointee.\(CNames.count(field)) = \(value).count")
    case .map(let map):
      map.printWrite(&printer, from: value, to: c)
      printer.print("c.pointee.\(CNames.count(field)) = \(value).count")
    }
  }
}
