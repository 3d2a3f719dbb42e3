import GoldenMessages
import ProtobufC
import Testing

/// What must never reach protobuf-c, which would recurse, allocate or copy as the bytes say.
@Suite struct BoundsCheckTests {
  @Test("Messages nest as deep as the limit, and no deeper", arguments: [1, 2, 99, 100, 101, 543, 100_000])
  func depth(levels: Int) throws {
    let left = WireBytes.nested(1, depth: levels - 1)
    let error = refusal(of: left, as: Tree.self)
    #expect(error?.kind == (levels <= 100 ? nil : .tooDeep(max: 100)))
    var limits = DecodeLimits()
    limits.depthMax = levels
    if levels <= 543 { #expect(refusal(of: left, as: Tree.self, limits: limits) == nil) }
  }

  @Test("Depth counts through lists, maps, oneofs and other messages", arguments: [1, 3, 4, 5, 7])
  func depthByEveryWay(field: UInt64) {
    // Field 4 is a map, whose entries hold the tree as field 2; field 7 a branch, which holds it as field 1.
    var bytes: [UInt8] = []
    for _ in 0..<150 {
      switch field {
      case 4: bytes = WireBytes.field(4, WireBytes.field(2, bytes))
      case 7: bytes = WireBytes.field(7, WireBytes.field(1, bytes))
      default: bytes = WireBytes.field(field, bytes)
      }
    }
    #expect(refusal(of: bytes, as: Tree.self)?.kind == .tooDeep(max: 100))
  }

  @Test("Empty submessages count with the memory that they take, not with their bytes")
  func emptySubmessages() {
    // Two bytes each, and 0.5 MiB in all: 262,144 trees of some 160 bytes are over 32 MiB.
    let bytes = Array(repeatElement(WireBytes.field(3, []), count: 262_144).joined())
    #expect(refusal(of: bytes, as: Tree.self)?.kind == .tooLarge(bytesMax: 32 << 20))
    #expect(refusal(of: Array(bytes.prefix(2000)), as: Tree.self) == nil)
  }

  @Test(
    "Every kind of field counts towards the memory limit",
    arguments: [
      WireBytes.field(14, Array(repeating: 0x61, count: 100)), WireBytes.field(15, Array(repeating: 0, count: 100)),
      WireBytes.field(3, Array(repeating: 1, count: 30)), WireBytes.field(13, Array(repeating: 1, count: 30)),
      WireBytes.field(9, Array(repeating: 0, count: 80)), WireBytes.field(99, Array(repeating: 0, count: 100)),
      WireBytes.tag(3, 0) + [1],
    ])
  func memory(field: [UInt8]) {
    let bytes = Array(repeatElement(field, count: 1000).joined())
    #expect(refusal(of: bytes, as: Repeated.self) == nil)
    var limits = DecodeLimits()
    limits.memoryBytesMax = 10_000
    #expect(refusal(of: bytes, as: Repeated.self, limits: limits)?.kind == .tooLarge(bytesMax: 10_000))
  }

  @Test("A limit without bound is no overflow")
  func unbounded() throws {
    var limits = DecodeLimits()
    limits.memoryBytesMax = .max
    #expect(try decode(WireBytes.field(8, [0x61]), as: Tree.self, limits: limits).label == "a")
  }

  @Test(
    "A string is UTF-8 without U+0000, or refused with its place",
    arguments: [
      ([0x00], DecodeError.Kind.containsNUL), ([0x61, 0x00, 0x62], .containsNUL), ([0x80], .invalidUTF8),
      ([0xFF], .invalidUTF8), ([0xC3], .invalidUTF8), ([0xED, 0xA0, 0x80], .invalidUTF8),
    ])
  func strings(text: [UInt8], kind: DecodeError.Kind) {
    let singular = refusal(of: WireBytes.field(14, text), as: Scalars.self)
    #expect(singular?.kind == kind && singular?.path == ["string_value"] && singular?.message == "golden.Scalars")
    #expect(refusal(of: WireBytes.field(14, text), as: Repeated.self)?.kind == kind)
    #expect(refusal(of: WireBytes.field(14, text), as: Oneofs.self)?.kind == kind)
    let inside = refusal(of: WireBytes.field(1, WireBytes.field(3, WireBytes.field(8, text))), as: Tree.self)
    #expect(inside?.kind == kind && inside?.path == ["left", "children", "label"])
    #expect(inside?.description.hasPrefix("left.children.label: the string") == true)
    // Both of a map's entry.
    #expect(refusal(of: WireBytes.field(12, WireBytes.field(1, text)), as: Maps.self)?.kind == kind)
    #expect(refusal(of: WireBytes.field(12, WireBytes.field(2, text)), as: Maps.self)?.kind == kind)
    // Bytes may be anything.
    #expect(refusal(of: WireBytes.field(15, text), as: Scalars.self) == nil)
  }
}
