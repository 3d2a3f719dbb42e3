/// The bytes of one run, taken from the front. What is asked for beyond their end is zero or empty.
struct FuzzInput {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: UnsafeRawBufferPointer) { rest = Array(bytes)[...] }

  var isEmpty: Bool { rest.isEmpty }

  mutating func takeByte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func takeInteger() -> UInt64 { takeBytes(8).reduce(0) { $0 << 8 | UInt64($1) } }

  mutating func takeBytes(_ count: Int) -> [UInt8] {
    let taken = rest.prefix(count)
    rest = rest.dropFirst(count)
    return Array(taken)
  }

  /// Bytes whose number comes before them, at most 255.
  mutating func takePiece() -> [UInt8] { takeBytes(Int(takeByte())) }

  mutating func takeText() -> String { String(decoding: takePiece(), as: UTF8.self) }

  mutating func takeRest() -> [UInt8] { takeBytes(rest.count) }
}

extension FuzzInput {
  /// A piece as `takePiece` reads it.
  static func piece(_ bytes: [UInt8]) -> [UInt8] { [UInt8(clamping: bytes.count)] + bytes.prefix(255) }
  /// A text as `takeText` reads it.
  static func piece(_ text: String) -> [UInt8] { piece(Array(text.utf8)) }
}

extension [UInt8] {
  /// Lends a copy that ends where its memory does, so that reading on is found.
  func withExactCopy<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: self)
    return try body(UnsafeRawBufferPointer(copy))
  }
}
