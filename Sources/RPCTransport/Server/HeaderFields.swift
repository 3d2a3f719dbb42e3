import RPCCore

/// The header fields of a request, and those of the request before, in the order in which they came.
///
/// As long as a request's fields are those of the one before, they are only compared, where they lie.
struct HeaderFields {
  // Each as the lengths of its name and its value, and the bytes of both.
  private var kept: [UInt8] = []
  // How many bytes of what is kept came again so far, until something else came.
  private var sameBytes = 0
  private var fields: [UInt8] = []
  private var isSame = true

  private static let lengthsBytes = MemoryLayout<UInt64>.size

  /// The fields of another request.
  mutating func begin() {
    sameBytes = 0
    isSame = true
    if !fields.isEmpty { fields.removeAll(keepingCapacity: true) }
  }

  /// Whether they are all those of the request before, and no others.
  var areThoseKept: Bool { isSame && sameBytes == kept.count }

  /// Adds a field.
  // Inlined, and what it does with other fields not: it runs for each field of each request.
  @inline(__always)
  mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if isSame, isNextKept(name, value) {
      sameBytes &+= Self.lengthsBytes &+ name.count &+ value.count
    } else {
      appendOther(name, value)
    }
  }

  @inline(never)
  private mutating func appendOther(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if isSame { differ() }
    withUnsafeBytes(of: lengths(name, value)) { fields.append(contentsOf: $0) }
    fields.append(contentsOf: name)
    fields.append(contentsOf: value)
  }

  @inline(__always)
  private func isNextKept(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
    kept.withUnsafeBytes { kept in
      guard let start = kept.baseAddress, kept.count &- sameBytes >= Self.lengthsBytes &+ name.count &+ value.count,
        (start + sameBytes).loadUnaligned(as: UInt64.self) == lengths(name, value)
      else { return false }
      let bytes = start + sameBytes + Self.lengthsBytes
      // A value may be a secret of another caller whose requests come over the same connection.
      return name.isEqualInConstantTime(toBytesAt: bytes) && value.isEqualInConstantTime(toBytesAt: bytes + name.count)
    }
  }

  @inline(__always)
  private func lengths(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> UInt64 {
    UInt64(UInt32(truncatingIfNeeded: name.count)) << 32 | UInt64(UInt32(truncatingIfNeeded: value.count))
  }

  private mutating func differ() {
    isSame = false
    fields.append(contentsOf: kept.prefix(sameBytes))
  }

  /// Keeps these instead of those of the request before.
  mutating func keep() {
    if isSame { differ() }
    swap(&kept, &fields)
    begin()
  }

  /// Calls `body` with the name and the value of each.
  func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    (isSame ? kept : fields).withUnsafeBytes { bytes in
      var rest = UnsafeRawBufferPointer(rebasing: bytes[..<(isSame ? sameBytes : bytes.count)])
      func next(_ count: Int) -> UnsafeRawBufferPointer {
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
      }
      while !rest.isEmpty {
        let lengths = next(Self.lengthsBytes).loadUnaligned(as: UInt64.self)
        let name = next(Int(lengths >> 32))
        body(name, next(Int(UInt32(truncatingIfNeeded: lengths))))
      }
    }
  }
}
