extension SessionDraft {
  /// Tells whether a repeated request is the same request: equal for equal input, whatever the order of its maps on
  /// the wire, in every run. Empty for metadata that nests too deep to be let in.
  public var digest: [UInt8] {
    // What nests too deep is refused before the digest matters, and is not followed down here.
    guard JSONValue.object(metadata).nests(atMost: 64) else { return [] }
    return fields.digest
  }

  fileprivate var fields: JSONValue {
    .object([
      "type": .number(Double(type?.rawValue ?? 0)), "name": .string(name), "workspace": .string(workspace),
      "metadata": .object(metadata), "capabilities": .array(capabilities.map { .string($0) }),
      "constraints": .array(constraints.map { .string($0) }),
      "environment": .object(environment.mapValues { .string($0) }), "parent": .string(parentID),
    ])
  }
}

extension BootstrapDraft {
  /// Tells whether a repeated request is the same request, as a session's draft does.
  public var digest: [UInt8] {
    guard JSONValue.object(session.metadata).nests(atMost: 64) else { return [] }
    let fields: JSONValue = .object([
      "session": session.fields, "memory": .string(resources.memory), "cpu": .string(resources.cpu),
      "disk": .string(resources.disk), "messageTypes": .array(messageTypes.map { .string($0) }),
      "priority": .number(Double(priority)),
    ])
    return fields.digest
  }
}

extension JSONValue {
  fileprivate var digest: [UInt8] {
    var hash = StableHash()
    hash.combine(compactText)
    return withUnsafeBytes(of: hash.value.bigEndian) { Array($0) }
  }
}
