import GoldenMessages
import ProtobufC
import Testing

@Suite struct WireFormatTests {
  private static let scalars = Scalars.with {
    $0.doubleValue = 1
    $0.int32Value = -1
    $0.fixed32Value = 7
    $0.boolValue = true
    $0.stringValue = "some text of more than eight bytes, with ü"
    $0.bytesValue = [1, 2, 3]
    $0.level = .highest
    $0.last = "z"
  }

  @Test("A message cut at any byte is refused, or is the fields before the cut")
  func truncation() throws {
    let whole = Tree.with {
      $0.left = .with { $0.label = "left" }
      $0.children = [Tree(), .with { $0.label = "child" }]
      $0.named = ["key": .with { $0.kind = .leaf("leaf") }]
      $0.label = "label"
    }
    let bytes = try whole.encoded()
    var accepted = 0
    for end in bytes.indices {
      let part = Array(bytes[..<end])
      switch refusal(of: part, as: Tree.self)?.kind {
      case nil:
        accepted += 1
        #expect(try decode(part, as: Tree.self) != whole)
      case .truncated: break
      case let kind: Issue.record("cut at \(end): \(String(describing: kind))")
      }
    }
    // The cuts between its five fields, and before the first.
    #expect(accepted == 5)
    let scalars = try Self.scalars.encoded()
    for end in scalars.indices { _ = refusal(of: Array(scalars[..<end]), as: Scalars.self) }
  }

  @Test("Every wire type but the field's own is refused", arguments: 1...16)
  func wrongWireTypes(field: UInt64) {
    let expected: UInt64 =
      switch field {
      case 1, 10, 12: 1
      case 2, 9, 11: 5
      case 14, 15: 2
      default: 0
      }
    let values: [UInt64: [UInt8]] = [
      0: [1], 1: [0, 0, 0, 0, 0, 0, 0, 0], 2: [1, 0x61], 5: [0, 0, 0, 0],
    ]
    for (wireType, value) in values {
      let error = refusal(of: WireBytes.tag(field, wireType) + value, as: Scalars.self)
      #expect(error?.kind == (wireType == expected ? nil : .wrongWireType), "wire type \(wireType)")
    }
    // Groups, and what is not defined.
    for wireType in [3, 4, 6, 7] as [UInt64] {
      #expect(refusal(of: WireBytes.tag(field, wireType), as: Scalars.self)?.kind == .malformed)
    }
  }

  @Test("A submessage of another wire type is refused", arguments: [0, 1, 5] as [UInt64])
  func wrongSubmessages(wireType: UInt64) {
    let bytes = WireBytes.tag(1, wireType) + Array(repeating: 0, count: 8)
    #expect(refusal(of: bytes, as: Tree.self)?.kind == .wrongWireType)
  }

  @Test("Varints have ten bytes at most, tags and lengths five")
  func varints() throws {
    let ten = Array(repeating: 0x80, count: 9) + [0x01] as [UInt8]
    #expect(refusal(of: WireBytes.tag(4, 0) + ten, as: Scalars.self) == nil)
    let eleven = Array(repeating: 0x80, count: 10) + [0x01] as [UInt8]
    #expect(refusal(of: WireBytes.tag(4, 0) + eleven, as: Scalars.self)?.kind == .malformed)
    let endless = Array(repeating: 0x80, count: 100) as [UInt8]
    #expect(refusal(of: WireBytes.tag(4, 0) + endless, as: Scalars.self)?.kind == .malformed)
    #expect(refusal(of: endless, as: Scalars.self)?.kind == .malformed)
    #expect(refusal(of: WireBytes.tag(14, 2) + endless, as: Scalars.self)?.kind == .malformed)
    // Longer than it has to be, and still a number.
    #expect(try decode([4 << 3, 0x81, 0x80, 0x00], as: Scalars.self).int64Value == 1)
  }

  @Test("Field numbers start at 1 and end at 2^29 - 1")
  func fieldNumbers() throws {
    #expect(refusal(of: [0x00, 0x01], as: Scalars.self)?.kind == .malformed)
    #expect(try decode(WireBytes.field((1 << 29) - 1, [0x61]), as: Scalars.self).last == "a")
    #expect(refusal(of: WireBytes.tag(1 << 29, 0) + [1], as: Scalars.self)?.kind == .malformed)
  }

  @Test("A length beyond the bytes is truncated, whatever it says", arguments: [2, 127, 1 << 20, (1 << 32) - 1])
  func lengths(length: UInt64) {
    let error = refusal(of: WireBytes.tag(14, 2) + WireBytes.varint(length) + [0x61], as: Scalars.self)
    #expect(error?.kind == .truncated)
  }

  @Test("Fields that the schema does not know are passed over, and not sent back")
  func unknownFields() throws {
    let known = try Self.scalars.encoded()
    let unknown =
      WireBytes.tag(17, 0) + WireBytes.varint(.max) + WireBytes.tag(1000, 1) + Array(repeating: 0xFF, count: 8)
      + WireBytes.field(2000, [0xFF, 0x00]) + WireBytes.tag(3000, 5) + Array(repeating: 0xFF, count: 4)
    let message: Scalars = try decode(unknown + known + unknown)
    #expect(message == Self.scalars)
    #expect(try message.encoded() == known)
    #expect(refusal(of: Array(unknown.dropLast()), as: Scalars.self)?.kind == .truncated)
  }

  @Test("Packed fields hold whole elements only")
  func packed() throws {
    #expect(refusal(of: WireBytes.field(9, [1, 2, 3]), as: Repeated.self)?.kind == .truncated)
    #expect(refusal(of: WireBytes.field(1, Array(repeating: 0, count: 9)), as: Repeated.self)?.kind == .truncated)
    #expect(refusal(of: WireBytes.field(3, [1, 0x80]), as: Repeated.self)?.kind == .truncated)
    #expect(try decode(WireBytes.field(3, []), as: Repeated.self).int32Values == [])
    #expect(try decode(WireBytes.field(13, [0x80, 0x01, 0x00]), as: Repeated.self).boolValues == [true, false])
  }

  @Test("Packed and single elements of one field may mix")
  func mixed() throws {
    let bytes = WireBytes.field(3, [1, 2]) + WireBytes.tag(3, 0) + [3] + WireBytes.field(3, [4])
    #expect(try decode(bytes, as: Repeated.self).int32Values == [1, 2, 3, 4])
    #expect(try decode(bytes, as: Unpacked.self).int32Values == [1, 2, 3, 4])
  }
}
