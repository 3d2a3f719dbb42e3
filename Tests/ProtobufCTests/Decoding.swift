import ProtobufC

/// Decodes `bytes`.
func decode<Message: ProtobufC.ProtobufMessage>(
  _ bytes: [UInt8], as _: Message.Type = Message.self, limits: DecodeLimits = DecodeLimits()
) throws(DecodeError) -> Message {
  // The closure's error has no type of its own, so that the result carries it out.
  let result = bytes.withUnsafeBytes { bytes in
    Result<Message, DecodeError> { () throws(DecodeError) in try Message(decoding: bytes, limits: limits) }
  }
  return try result.get()
}

/// Why `bytes` are refused; nil when they are a message.
func refusal<Message: ProtobufC.ProtobufMessage>(
  of bytes: [UInt8], as _: Message.Type, limits: DecodeLimits = DecodeLimits()
) -> DecodeError? {
  do {
    _ = try decode(bytes, as: Message.self, limits: limits)
    return nil
  } catch {
    return error
  }
}
