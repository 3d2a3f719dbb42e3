import SwiftProtobufPluginLibrary

/// A map field, which is a dictionary in Swift and an array of entry messages in C.
struct MapField {
  private let key: ValueKind
  private let value: ValueKind
  private let initializer: String

  /// Nil for a field that is no map.
  init?(_ field: FieldDescriptor, _ names: SwiftNames) throws {
    guard field.isMap, let entry = field.messageType, let (key, value) = entry.mapKeyAndValue else { return nil }
    self.key = try ValueKind(key, names, in: field.containingType)
    self.value = try ValueKind(value, names, in: field.containingType)
    initializer = CNames.initializer(entry)
  }

  var swiftType: String { "[\(key.swiftType): \(value.swiftType)]" }

  func printRead(_ printer: inout CodePrinter, to target: String, from c: String, count: String) {
    printer.print(
      """
      \(target) = ProtobufC.Field.map(\(c), \(count)) { entry in
        (\(key.read("entry.pointee.key")), \(value.read("entry.pointee.value")))
      }
      """)
  }

  func printWrite(_ printer: inout CodePrinter, from swift: String, to c: String) {
    printer.print(
      """
      \(c) = arena.map(\(swift)) { entry, key, value, arena in
        \(initializer)(entry)
        entry.pointee.key = \(key.write("key", isPresent: false))
        entry.pointee.value = \(value.write("value", isPresent: false))
      }
      """)
  }
}
