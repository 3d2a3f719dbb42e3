import Glibc

/// The header fields of a request that are the application's, and those of the last request that was good, in the order
/// in which they came.
///
/// As long as a request's fields are those of the last, they are only compared, where they lie.
struct CustomFields {
  // Each as two lengths and the bytes.
  private var kept: [UInt8] = []
  // How many bytes of what is kept came again so far, until something else came.
  private var sameBytes = 0
  private var fields: [UInt8] = []
  private var isSame = true

  private static let lengthBytes = 4

  /// The fields of another request.
  mutating func begin() {
    sameBytes = 0
    isSame = true
    fields.removeAll(keepingCapacity: true)
  }

  /// Whether there are none.
  var isEmpty: Bool { isSame ? sameBytes == 0 : fields.isEmpty }

  /// Whether they are all those of the last request, and no others.
  var areThoseKept: Bool { isSame && sameBytes == kept.count }

  /// Adds a name or a value; after each name comes its value.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    if isSame {
      if isNextKept(bytes) {
        sameBytes += Self.lengthBytes + bytes.count
        return
      }
      differ()
    }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: bytes.count)) { fields.append(contentsOf: $0) }
    fields.append(contentsOf: bytes)
  }

  private func isNextKept(_ bytes: UnsafeRawBufferPointer) -> Bool {
    kept.withUnsafeBytes { kept in
      let rest = UnsafeRawBufferPointer(rebasing: kept[sameBytes...])
      guard rest.count >= Self.lengthBytes + bytes.count, let start = rest.baseAddress,
        Int(rest.loadUnaligned(as: UInt32.self)) == bytes.count
      else { return false }
      guard let other = bytes.baseAddress else { return true }
      return memcmp(start + Self.lengthBytes, other, bytes.count) == 0
    }
  }

  private mutating func differ() {
    isSame = false
    fields.append(contentsOf: kept.prefix(sameBytes))
  }

  /// Keeps these instead of those of the last request.
  mutating func keep() {
    if isSame { differ() }
    swap(&kept, &fields)
    begin()
  }

  /// Keeps none, so that the next request's will not be taken for known.
  mutating func keepNone() {
    kept = []
    begin()
  }

  /// Calls `body` with the name and the value of each.
  func forEach(_ body: (String, String) -> Void) {
    let bytes = isSame ? Array(kept.prefix(sameBytes)) : fields
    bytes.withUnsafeBytes { bytes in
      var offset = 0
      func next() -> String {
        let count = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        defer { offset += Self.lengthBytes + count }
        let text = bytes[(offset + Self.lengthBytes)...].prefix(count)
        return String(decoding: UnsafeRawBufferPointer(rebasing: text), as: UTF8.self)
      }
      while offset < bytes.count { body(next(), next()) }
    }
  }
}
