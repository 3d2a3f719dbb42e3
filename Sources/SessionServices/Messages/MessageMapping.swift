import ProtobufC
import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

extension MessageDraft {
  /// The input fields of a message and its request on the wire; the output-only fields are ignored.
  init(_ message: SessionAPI.Message, _ request: SendMessageRequest) throws {
    self.init(type: message.type)
    priority = message.priority.rawValue
    senderID = message.fromSessionID
    receiverID = message.toSessionID
    affinityOf = request.affinityOf
    affinityKey = request.affinityKey
    broadcastTo = request.broadcastTo.rawValue
    correlationID = message.correlationID
    if let expireTime = message.expireTime {
      self.expireTime = expireTime.timestamp(at: "message.expire_time", &violations)
    }
    if let input = message.payload {
      let before = violations.count
      input.check(at: "message.payload", &violations)
      // A struct's fields come in any order.
      violations[before...].sort { $0.path < $1.path }
      payload = MessageWire.payloadField(try input.encoded())
    }
  }
}

extension Google_Protobuf_Struct {
  /// The members; where there is something wrong with one, null.
  var members: [String: JSONValue] {
    var violations: [FieldViolation] = []
    return json(at: "", &violations)
  }

  fileprivate func check(at path: String, _ violations: inout [FieldViolation]) {
    for (key, value) in fields { value.check(at: "\(path).\(key)", &violations) }
  }
}

extension Google_Protobuf_Value {
  /// Adds a violation for each value that is none, or a number that JSON does not have.
  fileprivate func check(at path: @autoclosure () -> String, _ violations: inout [FieldViolation]) {
    switch kind {
    case .nullValue, .boolValue, .stringValue: break
    case .numberValue(let number):
      guard !number.isFinite else { break }
      violations.append(FieldViolation(path: path(), description: "a number is neither NaN nor infinite"))
    case .listValue(let list):
      for (index, value) in list.values.enumerated() { value.check(at: "\(path())[\(index)]", &violations) }
    case .structValue(let value): value.check(at: path(), &violations)
    case nil:
      violations.append(
        FieldViolation(path: path(), description: "a null, a boolean, a number, a string, a list or an object"))
    }
  }
}
