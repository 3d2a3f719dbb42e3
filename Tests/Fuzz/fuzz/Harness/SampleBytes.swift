import CProtobufC

/// Bytes of messages that are made of what protobuf-c knows of them.
enum SampleBytes {
  /// A message with every field, each with the simplest value that is not its default; repeated ones have it twice. Of
  /// messages inside, as many levels as make a difference.
  static func everyField(
    of message: UnsafePointer<ProtobufCMessageDescriptor>, levels: Int = 3
  ) -> [UInt8] {
    UnsafeBufferPointer(start: message.pointee.fields, count: Int(message.pointee.n_fields)).flatMap { field in
      let bytes = one(field, levels: levels)
      return field.label == PROTOBUF_C_LABEL_REPEATED ? bytes + bytes : bytes
    }
  }

  private static func one(_ field: ProtobufCFieldDescriptor, levels: Int) -> [UInt8] {
    switch field.type {
    case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT:
      return tag(field, 5) + [0, 0, 0x80, 0x3F]
    case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE:
      return tag(field, 1) + [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES: return tag(field, 2) + [1, 97]
    case PROTOBUF_C_TYPE_MESSAGE:
      guard levels > 1, let inner = field.descriptor else { return tag(field, 2) + [0] }
      let message = inner.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
      let bytes = everyField(of: message, levels: levels - 1)
      return tag(field, 2) + varint(UInt32(bytes.count)) + bytes
    default: return tag(field, 0) + [1]
    }
  }

  private static func tag(_ field: ProtobufCFieldDescriptor, _ wireType: UInt32) -> [UInt8] {
    varint(field.id << 3 | wireType)
  }

  private static func varint(_ value: UInt32) -> [UInt8] {
    value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
  }
}
