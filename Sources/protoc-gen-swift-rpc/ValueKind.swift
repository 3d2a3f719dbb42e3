import SwiftProtobufPluginLibrary

/// How one value of a field looks in Swift, and how it comes from and goes to its C member.
enum ValueKind {
  /// The same number in both languages.
  case number(type: String)
  case boolean, string, bytes
  case enumeration(type: String, defaultCase: String)
  case message(type: String)

  init(_ field: FieldDescriptor, _ names: SwiftNames, in scope: Descriptor?) throws {
    self =
      switch field.type {
      case .int32, .sint32, .sfixed32: .number(type: "Int32")
      case .int64, .sint64, .sfixed64: .number(type: "Int64")
      case .uint32, .fixed32: .number(type: "UInt32")
      case .uint64, .fixed64: .number(type: "UInt64")
      case .float: .number(type: "Float")
      case .double: .number(type: "Double")
      case .bool: .boolean
      case .string: .string
      case .bytes: .bytes
      case .enum:
        .enumeration(
          type: try names.reference(to: field.enumType, in: scope),
          defaultCase: names.enumCase(field.enumType.zeroValue))
      case .message, .group: .message(type: try names.reference(to: field.messageType, in: scope))
      }
  }

  var swiftType: String {
    switch self {
    case .number(let type), .enumeration(let type, _), .message(let type): type
    case .boolean: "Bool"
    case .string: "String"
    case .bytes: "[UInt8]"
    }
  }

  /// What a property of the value starts with; nil for a message, which starts absent.
  var defaultValue: String? {
    switch self {
    case .number: "0"
    case .boolean: "false"
    case .string: "\"\""
    case .bytes: "[]"
    case .enumeration(_, let defaultCase): ".\(defaultCase.filter { $0 != "`" })"
    case .message: nil
    }
  }

  /// The Swift value of the C expression `c`, whose value is there.
  func read(_ c: String) -> String {
    switch self {
    case .number: c
    case .boolean: "\(c) != 0"
    case .string: "ProtobufC.Field.string(\(c))"
    case .bytes: "ProtobufC.Field.bytes(\(c))"
    case .enumeration(let type, _): "\(type)(rawValue: Int32(truncatingIfNeeded: \(c).rawValue))"
    case .message(let type): "ProtobufC.Field.message(\(c)) ?? \(type)()"
    }
  }

  /// The C value of the Swift expression `value`. Where `isPresent`, a default is to be sent too.
  func write(_ value: String, isPresent: Bool) -> String {
    switch self {
    case .number: value
    case .boolean: "\(value) ? 1 : 0"
    case .string: isPresent ? "arena.presentString(\(value))" : "arena.string(\(value))"
    case .bytes: "arena.bytes(\(value))"
    case .enumeration: ".init(rawValue: .init(truncatingIfNeeded: \(value).rawValue))"
    case .message: "arena.message(\(value))"
    }
  }

  /// The functions of `Field` and `Arena` for arrays of such values.
  var arrayFunction: String {
    switch self {
    case .number: "numbers"
    case .boolean: "booleans"
    case .string: "strings"
    case .bytes: "byteStrings"
    case .enumeration: "enumerations"
    case .message: "messages"
    }
  }
}
