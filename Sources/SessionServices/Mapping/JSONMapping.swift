// `google.protobuf.Struct` and `JSONValue`. What comes from the wire is at most as deep as the decoder lets in, so
// the recursion here is bounded.

import ProtobufWellKnownTypes
import SessionDomain

extension Google_Protobuf_Struct {
  init(_ members: [String: JSONValue]) {
    self.init()
    fields = members.mapValues { Google_Protobuf_Value($0) }
  }

  var json: [String: JSONValue] { fields.mapValues(\.json) }
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

  var json: JSONValue {
    switch kind {
    case .nullValue, nil: .null
    case .boolValue(let value): .bool(value)
    case .numberValue(let value): .number(value)
    case .stringValue(let value): .string(value)
    case .listValue(let list): .array(list.values.map(\.json))
    case .structValue(let value): .object(value.json)
    }
  }
}
