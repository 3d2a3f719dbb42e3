/// The wire types of protobuf.dev/programming-guides/encoding, groups left out: proto3 has none.
enum WireType: UInt8 {
  case varint = 0
  case fixed64 = 1
  case lengthDelimited = 2
  case fixed32 = 5
}

/// A cursor over the bytes of one message.
struct WireReader {
  private let start: UnsafeRawPointer
  private var cursor: UnsafeRawPointer
  private let end: UnsafeRawPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    // An empty buffer may have no address; any pointer serves for zero bytes.
    start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    cursor = start
    end = start + bytes.count
  }

  var isAtEnd: Bool { cursor == end }
  /// How many bytes were read.
  var offset: Int { cursor - start }
  private var bytesLeft: Int { end - cursor }

  @inline(__always)
  mutating func tag() throws(DecodeError) -> (field: UInt32, wireType: WireType) {
    // protobuf-c reads at most five bytes of a tag.
    let raw = try varint(bytesMax: 5)
    guard let wireType = WireType(rawValue: UInt8(raw & 7)) else { throw DecodeError(.malformed) }
    let field = raw >> 3
    guard field >= 1, field < 1 << 29 else { throw DecodeError(.malformed) }
    return (UInt32(field), wireType)
  }

  @inline(__always)
  mutating func lengthDelimited() throws(DecodeError) -> UnsafeRawBufferPointer {
    let length = try varint(bytesMax: 5)
    guard length <= UInt64(bytesLeft) else { throw DecodeError(.truncated) }
    defer { cursor += Int(length) }
    return UnsafeRawBufferPointer(start: cursor, count: Int(length))
  }

  /// One value of wire type varint, as an int32.
  mutating func int32() throws(DecodeError) -> Int32 { Int32(truncatingIfNeeded: try varint(bytesMax: 10)) }

  /// Passes over one value and returns how many bytes it had.
  @inline(__always)
  mutating func skip(_ wireType: WireType) throws(DecodeError) -> Int {
    let start = cursor
    switch wireType {
    case .varint: try skipVarint()
    case .fixed64: try skip(8)
    case .fixed32: try skip(4)
    case .lengthDelimited: _ = try lengthDelimited()
    }
    return cursor - start
  }

  private mutating func skip(_ bytes: Int) throws(DecodeError) {
    guard bytes <= bytesLeft else { throw DecodeError(.truncated) }
    cursor += bytes
  }

  @inline(__always)
  private mutating func varint(bytesMax: Int) throws(DecodeError) -> UInt64 {
    guard cursor < end else { throw DecodeError(.truncated) }
    let first = cursor.load(as: UInt8.self)
    // Most tags and lengths have one byte, nearly all others two.
    if first < 0x80 {
      cursor += 1
      return UInt64(first)
    }
    if bytesLeft >= 2 {
      let second = cursor.load(fromByteOffset: 1, as: UInt8.self)
      if second < 0x80 {
        cursor += 2
        return UInt64(first & 0x7F) | UInt64(second) << 7
      }
    }
    return try longVarint(bytesMax: bytesMax)
  }

  @inline(__always)
  private mutating func skipVarint() throws(DecodeError) {
    if bytesLeft >= 8 {
      // The bytes whose high bit is clear; the lowest of them ends the varint.
      let ends = ~cursor.loadUnaligned(as: UInt64.self).littleEndian & 0x8080_8080_8080_8080
      if ends != 0 {
        cursor += ends.trailingZeroBitCount / 8 + 1
        return
      }
    }
    _ = try longVarint(bytesMax: 10)
  }

  private mutating func longVarint(bytesMax: Int) throws(DecodeError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for _ in 0..<bytesMax {
      guard cursor < end else { throw DecodeError(.truncated) }
      let byte = cursor.load(as: UInt8.self)
      cursor += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw DecodeError(.malformed)
  }
}
