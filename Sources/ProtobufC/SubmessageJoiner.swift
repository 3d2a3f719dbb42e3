// A submessage that is not repeated may come in parts, which are to be merged (protobuf.dev/programming-guides/
// encoding, "Last One Wins"). protobuf-c 1.4.1 copies quadratically when it merges, loses the scalars of the earlier
// part, and fails where a oneof is set in neither. So the parts are joined as bytes before it sees them: two
// encodings after one another are the encoding of the merged message.

import CProtobufC

/// Joins the parts of each submessage, at any depth, of bytes that passed the bounds check.
struct SubmessageJoiner {
  private struct Parts {
    var body: [UInt8] = []
    /// The place of the last one among the message's records, where the joined submessage goes.
    var lastRecord = 0
  }

  let mergesMax: Int

  func join(
    _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(DecodeError) -> [UInt8] {
    let parts = try collect(bytes, descriptor)
    var joined: [UInt8] = []
    joined.reserveCapacity(bytes.count)
    var reader = WireReader(bytes)
    var record = 0
    while !reader.isAtEnd {
      let start = reader.offset
      let tag = try reader.tag()
      guard let field = descriptor.field(numbered: tag.field), field.pointee.type == PROTOBUF_C_TYPE_MESSAGE,
        let inner = field.messageDescriptor
      else {
        _ = try reader.skip(tag.wireType)
        joined += bytes[start..<reader.offset]
        record += 1
        continue
      }
      let head = start..<reader.offset
      let part = try reader.lengthDelimited()
      let body: [UInt8]?
      do {
        if field.isRepeated {
          body = try join(part, as: inner)
        } else if let own = parts[tag.field], own.lastRecord == record {
          body = try join(own.body, as: inner)
        } else {
          body = nil
        }
      } catch {
        throw error.inside(field.fieldName)
      }
      if let body {
        joined += bytes[head]
        appendVarint(body.count, to: &joined)
        joined += body
      }
      record += 1
    }
    return joined
  }

  private func join(
    _ bytes: [UInt8], as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(DecodeError) -> [UInt8] {
    // The closure's error has no type of its own, so that the result carries it out.
    let result = bytes.withUnsafeBytes { bytes in
      Result<[UInt8], DecodeError> { () throws(DecodeError) in try join(bytes, as: descriptor) }
    }
    return try result.get()
  }

  /// The parts of each submessage that is not repeated, by field number.
  private func collect(
    _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(DecodeError) -> [UInt32: Parts] {
    var parts: [UInt32: Parts] = [:]
    // The field that each oneof has, by the offset of its case.
    var oneofs: [UInt32: UInt32] = [:]
    var merges = 0
    var reader = WireReader(bytes)
    var record = 0
    while !reader.isAtEnd {
      defer { record += 1 }
      let tag = try reader.tag()
      guard let field = descriptor.field(numbered: tag.field) else {
        _ = try reader.skip(tag.wireType)
        continue
      }
      if field.isInOneof, let other = oneofs.updateValue(tag.field, forKey: field.pointee.quantifier_offset),
        other != tag.field
      {
        // Another field of the oneof takes the place of what was there, and nothing is merged with it.
        parts[other] = nil
      }
      guard field.pointee.type == PROTOBUF_C_TYPE_MESSAGE, !field.isRepeated else {
        _ = try reader.skip(tag.wireType)
        continue
      }
      let part = try reader.lengthDelimited()
      if parts[tag.field] != nil {
        merges += 1
        guard merges <= mergesMax else {
          throw DecodeError(.tooManyMerges(max: mergesMax), at: field.fieldName)
        }
      }
      parts[tag.field, default: Parts()].body += part
      parts[tag.field]?.lastRecord = record
    }
    return parts
  }

  private func appendVarint(_ value: Int, to bytes: inout [UInt8]) {
    var rest = UInt(value)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

extension UnsafePointer<ProtobufCFieldDescriptor> {
  fileprivate var isRepeated: Bool { pointee.label == PROTOBUF_C_LABEL_REPEATED }
  fileprivate var isInOneof: Bool { pointee.flags & UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) != 0 }
  fileprivate var messageDescriptor: UnsafePointer<ProtobufCMessageDescriptor>? {
    pointee.descriptor.map { $0.assumingMemoryBound(to: ProtobufCMessageDescriptor.self) }
  }
}
