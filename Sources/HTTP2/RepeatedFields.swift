import CNghttp2

/// The fields that a connection's requests have in common, in the order in which they come: those that its user has
/// kept of one request are passed over in the next, as long as they come again.
///
/// A peer that sends a field again mostly names an entry in the tables of header compression (RFC 7541 section 2.3).
/// nghttp2 then has the field where it had it before, which tells it without a look at its bytes.
public struct RepeatedFields: ~Copyable {
  // Counted by nghttp2, and held here, so that no other field can come to be in the same place. None for a field that
  // is not nghttp2's.
  private struct Field {
    let name: OpaquePointer?
    let value: OpaquePointer?
    let bytes: Int
  }

  private var kept: [Field] = []
  private var next: [Field] = []
  private var current = Field(name: nil, value: nil, bytes: 0)
  // What is held is from there.
  private let pool: BlockPool?
  /// How many of the kept fields have come again.
  public private(set) var count = 0
  /// Whether nothing was added to them.
  public private(set) var isRepetition = true

  init(in pool: BlockPool) { self.pool = pool }

  /// Without a connection, for fields that are known by their bytes alone.
  public init() { pool = nil }

  deinit {
    Self.release(kept)
    Self.release(next)
  }

  /// The fields of another request come.
  public mutating func begin() {
    count = 0
    isRepetition = true
    if next.isEmpty { return }
    Self.release(next)
    next.removeAll(keepingCapacity: true)
  }

  /// The bytes of the kept field whose turn it is, if it came again from the same place; it is passed over then.
  @inline(__always)
  mutating func take(_ name: OpaquePointer, _ value: OpaquePointer) -> Int? {
    guard isRepetition, count < kept.count else { return nil }
    let field = kept[count]
    guard field.value == value, field.name == name else { return nil }
    count &+= 1
    return field.bytes
  }

  /// A field comes in these places that was not passed over.
  @inline(__always)
  mutating func note(_ name: OpaquePointer, _ value: OpaquePointer, bytes: Int) {
    current = Field(name: name, value: value, bytes: bytes)
  }

  /// Passes over the field that comes in, which is the kept one whose turn it is, if from another place.
  public mutating func pass() { count &+= 1 }

  /// Adds the field that comes in to those that came again, for the others are not to come any more.
  public mutating func add() {
    endRepetition()
    append(current)
  }

  /// Keeps the fields of this request in place of those that were kept before.
  public mutating func keep() {
    endRepetition()
    swap(&kept, &next)
    begin()
  }

  private mutating func endRepetition() {
    guard isRepetition else { return }
    isRepetition = false
    for field in kept.prefix(count) { append(field) }
  }

  private mutating func append(_ field: Field) {
    if let name = field.name { nghttp2_rcbuf_incref(name) }
    if let value = field.value { nghttp2_rcbuf_incref(value) }
    next.append(field)
  }

  private static func release(_ fields: [Field]) {
    for field in fields {
      if let name = field.name { nghttp2_rcbuf_decref(name) }
      if let value = field.value { nghttp2_rcbuf_decref(value) }
    }
  }
}
