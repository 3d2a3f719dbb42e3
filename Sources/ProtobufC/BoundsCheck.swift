// One pass over a message's bytes before protobuf-c sees them. `protobuf_c_message_unpack` (1.4.1) trusts its
// input: it recurses as deep as the bytes say, allocates up to 164 times their size, and takes any bytes for a
// string. The pass bounds all that, guided by the same descriptor, and leaves nothing for unpack to find. It also
// notices submessages in parts, which SubmessageJoiner takes care of. Encoding:
// protobuf.dev/programming-guides/encoding.

import CProtobufC

struct BoundsCheck: ~Copyable {
  private let limits: DecodeLimits
  /// What unpacking takes, at most.
  private(set) var memoryBytes = 0
  /// True where a submessage may come in parts; false where none does.
  private(set) var sawParts = false

  // The sizes of protobuf-c.c's ScannedMember, of which 16 are on the stack and the rest in doubling slabs.
  private static let scannedMembersOnStack = 16
  private static let scannedMemberBytes = 40
  private static let unknownFieldBytes = 24

  init(limits: DecodeLimits) { self.limits = limits }

  mutating func check(
    _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(DecodeError) {
    do {
      try checkMessage(bytes, descriptor, depth: 1)
    } catch {
      var named = error
      named.message = String(cString: descriptor.pointee.name)
      throw named
    }
  }

  private mutating func checkMessage(
    _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
  ) throws(DecodeError) {
    guard depth <= limits.depthMax else { throw DecodeError(.tooDeep(max: limits.depthMax)) }
    try charge(Int(descriptor.pointee.sizeof_message))
    var reader = WireReader(bytes)
    var members = 0
    var last: UnsafePointer<ProtobufCFieldDescriptor>?
    // Bit i: a singular submessage whose field index is i modulo 64 was there.
    var seen: UInt64 = 0
    while !reader.isAtEnd {
      let tag = try reader.tag()
      members += 1
      if members > Self.scannedMembersOnStack { try charge(2 * Self.scannedMemberBytes) }
      let field: UnsafePointer<ProtobufCFieldDescriptor>
      if let known = last, known.pointee.id == tag.field {
        field = known
      } else if let found = descriptor.field(numbered: tag.field, after: last) {
        field = found
        last = found
      } else {
        let skipped = try reader.skip(tag.wireType)
        try charge(Self.unknownFieldBytes + skipped)
        continue
      }
      if field.pointee.type == PROTOBUF_C_TYPE_MESSAGE {
        if field.pointee.label != PROTOBUF_C_LABEL_REPEATED {
          let bit = UInt64(1) << UInt64((field - descriptor.pointee.fields) & 63)
          if seen & bit != 0 { sawParts = true }
          seen |= bit
        } else {
          try charge(MemoryLayout<UnsafeRawPointer>.size)
        }
        guard tag.wireType == .lengthDelimited else { throw DecodeError(.wrongWireType, at: field.fieldName) }
        let body = try reader.lengthDelimited()
        guard let raw = field.pointee.descriptor else { continue }
        do {
          try checkMessage(body, raw.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), depth: depth + 1)
        } catch {
          throw error.inside(field.fieldName)
        }
      } else {
        do {
          try checkValue(&reader, field, tag.wireType)
        } catch {
          throw error.inside(field.fieldName)
        }
      }
    }
  }

  private mutating func checkValue(
    _ reader: inout WireReader, _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ wireType: WireType
  ) throws(DecodeError) {
    let isRepeated = field.pointee.label == PROTOBUF_C_LABEL_REPEATED
    switch field.pointee.type {
    case PROTOBUF_C_TYPE_STRING:
      guard wireType == .lengthDelimited else { throw DecodeError(.wrongWireType) }
      let text = try reader.lengthDelimited()
      try charge(text.count + 1 + (isRepeated ? MemoryLayout<UnsafeRawPointer>.size : 0))
      switch checkText(text) {
      case .valid: break
      case .containsNUL: throw DecodeError(.containsNUL)
      case .invalidUTF8: throw DecodeError(.invalidUTF8)
      }
    case PROTOBUF_C_TYPE_BYTES:
      guard wireType == .lengthDelimited else { throw DecodeError(.wrongWireType) }
      let bytes = try reader.lengthDelimited()
      try charge(bytes.count + (isRepeated ? MemoryLayout<ProtobufCBinaryData>.size : 0))
    default:
      let expected = field.pointee.type.wireType
      if wireType == expected {
        _ = try reader.skip(wireType)
        if isRepeated { try charge(field.pointee.type.elementBytes) }
      } else if isRepeated, wireType == .lengthDelimited {
        var packed = WireReader(try reader.lengthDelimited())
        while !packed.isAtEnd {
          _ = try packed.skip(expected)
          try charge(field.pointee.type.elementBytes, rounded: false)
        }
      } else {
        throw DecodeError(.wrongWireType)
      }
    }
  }

  @inline(__always)
  private mutating func charge(_ bytes: Int, rounded: Bool = true) throws(DecodeError) {
    memoryBytes &+= rounded ? (bytes &+ 15) & ~15 : bytes
    guard memoryBytes <= limits.memoryBytesMax else {
      throw DecodeError(.tooLarge(bytesMax: limits.memoryBytesMax))
    }
  }
}

extension UnsafePointer<ProtobufCMessageDescriptor> {
  // Encoders write fields in the order of their numbers, which is the order of the descriptors.
  @inline(__always)
  fileprivate func field(
    numbered number: UInt32, after last: UnsafePointer<ProtobufCFieldDescriptor>?
  ) -> UnsafePointer<ProtobufCFieldDescriptor>? {
    guard let fields = pointee.fields else { return nil }
    let next = last.map { $0 + 1 } ?? fields
    if next < fields + Int(pointee.n_fields), next.pointee.id == number { return next }
    return field(numbered: number)
  }

  // Field numbers come in ranges without gaps; most messages have one.
  func field(numbered number: UInt32) -> UnsafePointer<ProtobufCFieldDescriptor>? {
    guard let ranges = pointee.field_ranges, number <= UInt32(Int32.max) else { return nil }
    let wanted = Int32(number)
    var low = 0
    var high = Int(pointee.n_field_ranges)
    while low < high {
      let middle = (low + high) / 2
      let range = ranges[middle]
      let fields = ranges[middle + 1].orig_index - range.orig_index
      if wanted < range.start_value {
        high = middle
      } else if Int64(wanted) >= Int64(range.start_value) + Int64(fields) {
        low = middle + 1
      } else {
        return pointee.fields + Int(wanted - range.start_value) + Int(range.orig_index)
      }
    }
    return nil
  }
}

extension UnsafePointer<ProtobufCFieldDescriptor> {
  var fieldName: String { String(cString: pointee.name) }
}

extension ProtobufCType {
  fileprivate var wireType: WireType {
    switch self {
    case PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_FLOAT: .fixed32
    case PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_DOUBLE: .fixed64
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: .lengthDelimited
    default: .varint
    }
  }

  fileprivate var elementBytes: Int {
    switch self {
    case PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_SINT64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_UINT64,
      PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_DOUBLE:
      8
    default: 4
    }
  }
}
