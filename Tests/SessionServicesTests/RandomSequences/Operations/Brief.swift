import ProtobufWellKnownTypes
import RPCCore
import SessionAPI

/// A value for people: without what is empty or 0, and with the members of maps in order.
func brief(_ value: Any) -> String {
  switch value {
  case let text as String where text.utf8.count > 100: return "\"\(text.prefix(20))...\(text.utf8.count) bytes\""
  case let text as String: return "\"\(text)\""
  case let time as Google_Protobuf_Timestamp: return "\(time.seconds).\(String(time.nanos).leftPadded(to: 9))"
  case let value as Google_Protobuf_Value: return value.kind.map(brief) ?? "unset"
  case let object as Google_Protobuf_Struct: return brief(object.fields)
  case let code as StatusCode: return code.name
  case let revision as Revision: return "\(revision)"
  case let position as Position: return "\(position)"
  case is ModelCondition: return "condition"
  case is any BinaryInteger, is Bool, is Double: return "\(value)"
  case let map as [String: Any]:
    return "{\(map.sorted { $0.key < $1.key }.map { "\($0.key): \(brief($0.value))" }.joined(separator: ", "))}"
  default: break
  }
  let mirror = Mirror(reflecting: value)
  switch mirror.displayStyle {
  case .optional?: return mirror.children.first.map { brief($0.value) } ?? "nil"
  case .collection?, .set?: return "[\(mirror.children.map { brief($0.value) }.joined(separator: ", "))]"
  case .enum?:
    guard let child = mirror.children.first else { return "\(value)" }
    let isTuple = Mirror(reflecting: child.value).displayStyle == .tuple
    return "\(child.label ?? "")(\(isTuple ? members(child.value) : brief(child.value)))"
  case .struct?: return "\(type(of: value))(\(members(value)))"
  default: return "\(value)"
  }
}

private func members(_ value: Any) -> String {
  let empty: Set<String> = ["\"\"", "0", "false", "[]", "{}", "nil", "unspecified", "asGiven", "condition"]
  let members = Mirror(reflecting: value).children.compactMap { child -> String? in
    let text = brief(child.value)
    guard !empty.contains(text) else { return nil }
    return child.label.map { $0.hasPrefix(".") ? text : "\($0): \(text)" } ?? text
  }
  return members.joined(separator: ", ")
}

extension String {
  fileprivate func leftPadded(to count: Int) -> String {
    String(repeating: "0", count: max(0, count - self.count)) + self
  }
}
