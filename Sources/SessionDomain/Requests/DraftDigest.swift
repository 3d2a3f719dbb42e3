extension SessionDraft {
  /// Tells whether a repeated request is the same request: equal for equal input, whatever the order of its maps on
  /// the wire, in every run. Empty for metadata that nests too deep to be let in.
  public var digest: [UInt8] { bodyDigest(fields) }

  fileprivate var fields: [String: JSONValue] {
    [
      "type": .number(Double(type?.rawValue ?? 0)), "name": .string(name), "workspace": .string(workspace),
      "metadata": .object(metadata), "capabilities": .array(capabilities.map { .string($0) }),
      "constraints": .array(constraints.map { .string($0) }),
      "environment": .object(environment.mapValues { .string($0) }), "parent": .string(parentID),
    ]
  }
}

extension BootstrapDraft {
  /// Tells whether a repeated request is the same request, as that of a session's draft does.
  public var digest: [UInt8] {
    bodyDigest([
      "session": .object(session.fields), "memory": .string(resources.memory), "cpu": .string(resources.cpu),
      "disk": .string(resources.disk), "messageTypes": .array(messageTypes.map { .string($0) }),
      "priority": .number(Double(priority)),
    ])
  }
}

extension Instantiation {
  /// Tells whether a repeated request is the same request, as that of a draft does.
  public var digest: [UInt8] {
    bodyDigest([
      "template": .string(templateName), "name": .string(name), "workspace": .string(workspace),
      "metadata": .object(metadata), "capabilities": .array(capabilities.map { .string($0) }),
      "constraints": .array(constraints.map { .string($0) }),
      "environment": .object(environment.mapValues { .string($0) }), "parent": .string(parentID),
    ])
  }
}

extension MessageDraft {
  /// Tells whether a repeated request is the same request, as that of a session's draft does; `payload` is what it says,
  /// null for nothing.
  public func digest(payload: JSONValue) -> [UInt8] {
    bodyDigest([
      "type": .string(type), "priority": .number(Double(priority)), "from": .string(senderID),
      "to": .string(receiverID), "affinityOf": .string(affinityOf), "affinityKey": .string(affinityKey),
      "broadcastTo": .number(Double(broadcastTo)), "payload": payload, "correlation": .string(correlationID),
      "expire": expireTime.map { .string("\($0.microseconds)") } ?? .null,
    ])
  }
}

private func bodyDigest(_ fields: [String: JSONValue]) -> [UInt8] {
  let fields = JSONValue.object(fields)
  // What nests too deep is refused before the digest matters, and is not followed down here.
  guard fields.nests(atMost: 66) else { return [] }
  var hash = StableHash()
  hash.combine(fields.compactText)
  return withUnsafeBytes(of: hash.value.bigEndian) { Array($0) }
}
