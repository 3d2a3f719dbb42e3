// `google.protobuf.Struct` and `JSONValue`. What comes from the wire is at most as deep as the decoder lets in, so
// the recursion here is bounded.

import ProtobufWellKnownTypes
import SessionDomain

extension Google_Protobuf_Struct {
  init(_ members: [String: JSONValue]) {
    self.init()
    fields = members.mapValues { Google_Protobuf_Value($0) }
  }

  /// The members, and a violation for each value that is none.
  func json(at path: String, _ violations: inout [FieldViolation]) -> [String: JSONValue] {
    var members: [String: JSONValue] = [:]
    for (key, value) in fields { members[key] = value.json(at: "\(path).\(key)", &violations) }
    return members
  }
}

extension Google_Protobuf_Struct? {
  /// The members, none where there is no struct, and a violation for each value that is none, in the order of the keys.
  func members(at path: String, _ violations: inout [FieldViolation]) -> [String: JSONValue] {
    let before = violations.count
    let members = self?.json(at: path, &violations) ?? [:]
    // A struct's fields come in any order.
    violations[before...].sort { $0.path < $1.path }
    return members
  }
}

extension Google_Protobuf_Value {
  init(_ value: JSONValue) {
    self.init()
    kind =
      switch value {
      case .null: .nullValue(.nullValue)
      case .bool(let value): .boolValue(value)
      case .number(let value): .numberValue(value)
      case .string(let value): .stringValue(value)
      case .array(let elements): .listValue(.with { $0.values = elements.map { Google_Protobuf_Value($0) } })
      case .object(let members): .structValue(Google_Protobuf_Struct(members))
      }
  }

  /// The value; null and a violation where nothing is set, which struct.proto calls an error.
  func json(at path: String, _ violations: inout [FieldViolation]) -> JSONValue {
    switch kind {
    case .nullValue: return .null
    case .boolValue(let value): return .bool(value)
    case .numberValue(let value): return .number(value)
    case .stringValue(let value): return .string(value)
    case .listValue(let list):
      return .array(list.values.enumerated().map { $1.json(at: "\(path)[\($0)]", &violations) })
    case .structValue(let value): return .object(value.json(at: path, &violations))
    case nil:
      violations.append(
        FieldViolation(path: path, description: "a null, a boolean, a number, a string, a list or an object"))
      return .null
    }
  }
}
