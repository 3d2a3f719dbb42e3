import HTTP2
import RPCCore

/// The header fields of a request, and those of the request before, in the order in which they came.
///
/// As long as a request's fields are those of the one before, they are only compared, where they lie.
struct HeaderFields {
  private var kept = Fields()
  // Of this request, once it has others.
  private var others = Fields()

  private struct Fields {
    // Of each, the bytes of its name and its value.
    var bytes: [UInt8] = []
    var ends: [(name: Int, value: Int)] = []

    func end(of count: Int) -> Int { count == 0 ? 0 : ends[count - 1].value }

    mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
      bytes.append(contentsOf: name)
      let nameEnd = bytes.count
      bytes.append(contentsOf: value)
      ends.append((nameEnd, bytes.count))
    }

    mutating func removeAll() {
      if ends.isEmpty { return }
      bytes.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
    }
  }

  /// The fields of another request.
  mutating func begin() { others.removeAll() }

  /// Whether they are all those of the request before, and no others.
  func areThoseKept(_ repeated: borrowing RepeatedFields) -> Bool {
    repeated.isRepetition && repeated.count == kept.ends.count
  }

  /// Adds the field that comes in, which `repeated` has not passed over.
  mutating func append(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {
    if repeated.isRepetition {
      if isKept(at: repeated.count, name, value) { return repeated.pass() }
      takeKept(repeated.count)
    }
    others.append(name, value)
    repeated.add()
  }

  private func isKept(at index: Int, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
    guard index < kept.ends.count else { return false }
    let start = kept.end(of: index)
    let end = kept.ends[index]
    guard end.name - start == name.count, end.value - end.name == value.count else { return false }
    return kept.bytes.withUnsafeBytes { kept in
      guard let base = kept.baseAddress else { return true }
      // A value may be a secret of another caller whose requests come over the same connection.
      return name.isEqualInConstantTime(toBytesAt: base + start)
        && value.isEqualInConstantTime(toBytesAt: base + end.name)
    }
  }

  private mutating func takeKept(_ count: Int) {
    others.bytes.append(contentsOf: kept.bytes.prefix(kept.end(of: count)))
    others.ends.append(contentsOf: kept.ends.prefix(count))
  }

  /// Keeps these instead of those of the request before.
  mutating func keep(_ repeated: inout RepeatedFields) {
    if repeated.isRepetition { takeKept(repeated.count) }
    swap(&kept, &others)
    begin()
    repeated.keep()
  }

  /// Calls `body` with the name and the value of each that was kept.
  func forEachKept(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    kept.bytes.withUnsafeBytes { bytes in
      var start = 0
      for end in kept.ends {
        body(
          UnsafeRawBufferPointer(rebasing: bytes[start..<end.name]),
          UnsafeRawBufferPointer(rebasing: bytes[end.name..<end.value]))
        start = end.value
      }
    }
  }
}
