import SessionDomain

/// Where a list goes on: the last row's values of the fields that order it, bound to the query that made it.
///
/// The text is base64url of a version, the query's fingerprint, the values, and a checksum over all of them. It keeps
/// mistakes out, not attackers: whatever a token says, it only chooses where among the query's rows to start.
struct PageToken: Hashable {
  private static let version: UInt8 = 1

  let fingerprint: UInt64
  let values: [SQLValue]

  init(fingerprint: UInt64, values: [SQLValue]) {
    self.fingerprint = fingerprint
    self.values = values
  }

  var text: String {
    var bytes: [UInt8] = [Self.version]
    bytes.append(integer: fingerprint)
    for value in values { bytes.append(value) }
    bytes.append(integer: Self.checksum(bytes[...]))
    return Base64URL.encode(bytes)
  }

  /// Nil when the text is not exactly what `text` gave.
  init?(_ text: String) {
    guard let bytes = Base64URL.decode(text), bytes.count >= 17, bytes[0] == Self.version else { return nil }
    var checksum = bytes.suffix(8)
    var body = bytes.dropLast(8)
    guard checksum.takeInteger() == Self.checksum(body) else { return nil }
    body.removeFirst()
    guard let fingerprint = body.takeInteger() else { return nil }
    var values: [SQLValue] = []
    while !body.isEmpty {
      guard let value = body.takeValue() else { return nil }
      values.append(value)
    }
    self.init(fingerprint: fingerprint, values: values)
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var hash = StableHash()
    hash.combine(bytes)
    return hash.value
  }
}

extension StableHash {
  mutating func combine(_ fragment: SQLFragment) {
    combine(fragment.sql)
    var bytes: [UInt8] = []
    for value in fragment.bindings { bytes.append(value) }
    combine(bytes.count)
    combine(bytes)
  }
}

extension [UInt8] {
  fileprivate mutating func append(integer: UInt64) {
    Swift.withUnsafeBytes(of: integer.bigEndian) { append(contentsOf: $0) }
  }

  fileprivate mutating func append(_ value: SQLValue) {
    switch value {
    case .null: append(0)
    case .integer(let integer):
      append(1)
      append(integer: UInt64(bitPattern: integer))
    case .real(let real):
      append(2)
      append(integer: real.bitPattern)
    case .text(let text):
      append(3)
      append(integer: UInt64(text.utf8.count))
      append(contentsOf: text.utf8)
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate mutating func takeInteger() -> UInt64? {
    guard count >= 8 else { return nil }
    let integer = prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    removeFirst(8)
    return integer
  }

  fileprivate mutating func takeValue() -> SQLValue? {
    switch popFirst() {
    case 0: return .null
    case 1: return takeInteger().map { .integer(Int64(bitPattern: $0)) }
    case 2: return takeInteger().map { .real(Double(bitPattern: $0)) }
    case 3:
      guard let length = takeInteger(), length <= UInt64(count) else { return nil }
      let bytes = prefix(Int(length))
      removeFirst(Int(length))
      return String(validating: bytes, as: UTF8.self).map { .text($0) }
    default: return nil
    }
  }
}
