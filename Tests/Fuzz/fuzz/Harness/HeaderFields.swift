extension FuzzInput {
  private static let end: UInt8 = 0
  private static let brokenOff: UInt8 = 255

  /// Header fields, each a name and a value: the name as its number in `names`, from 1 on, or as a piece of its own.
  /// Returns false where the list breaks off.
  mutating func takeFields(
    _ names: [String], _ field: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    while !isEmpty {
      let kind = takeByte()
      if kind == Self.end { return true }
      if kind == Self.brokenOff { return false }
      let name = names.indices.contains(Int(kind) - 1) ? Array(names[Int(kind) - 1].utf8) : takePiece()
      let value = takePiece()
      name.withExactCopy { name in value.withExactCopy { value in field(name, value) } }
    }
    return true
  }

  /// A field as `takeFields` reads it, its name the `number`th.
  static func field(_ number: UInt8, _ value: String) -> [UInt8] { [number] + piece(value) }
  /// A field as `takeFields` reads it, with a name of its own.
  static func field(_ name: String, _ value: String) -> [UInt8] { [brokenOff - 1] + piece(name) + piece(value) }
}
