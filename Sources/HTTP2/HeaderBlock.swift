import CNghttp2

/// A list of header fields ready to be sent any number of times: immutable, its bytes laid out once.
public struct HeaderBlock: @unchecked Sendable {
  // Immutable after init, hence the unchecked conformance.
  let nameValues: UnsafePointer<nghttp2_nv>?
  let count: Int
  // None for a block that stays: every call sends two of those, and would count references to them.
  private let storage: Storage?

  private final class Storage {
    let bytes: UnsafeMutableBufferPointer<UInt8>
    let fields: UnsafeMutableBufferPointer<nghttp2_nv>

    init(bytes: Int, fields: Int) {
      self.bytes = .allocate(capacity: bytes)
      self.fields = .allocate(capacity: fields)
    }

    deinit {
      bytes.deallocate()
      fields.deallocate()
    }

    func append(_ text: String, at offset: inout Int) -> UnsafeMutablePointer<UInt8>? {
      let start = offset
      for byte in text.utf8 {
        bytes.initializeElement(at: offset, to: byte)
        offset += 1
      }
      return bytes.baseAddress.map { $0 + start }
    }
  }

  /// The fields, pseudo-header fields first. Names must be lower case. A block that is `kept` stays until the program
  /// ends, and is not copied when it is sent.
  public init(_ list: [(name: String, value: String)], kept: Bool = false) {
    let copying = kept ? NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue : 0
    let storage = Storage(
      bytes: list.reduce(1) { $0 + $1.name.utf8.count + $1.value.utf8.count }, fields: list.count)
    var offset = 0
    for (index, field) in list.enumerated() {
      let name = storage.append(field.name, at: &offset)
      let value = storage.append(field.value, at: &offset)
      storage.fields.initializeElement(
        at: index,
        to: nghttp2_nv(
          name: name, value: value, namelen: field.name.utf8.count, valuelen: field.value.utf8.count,
          flags: UInt8(copying)))
    }
    nameValues = UnsafePointer(storage.fields.baseAddress)
    count = list.count
    self.storage = kept ? nil : storage
    if kept { _ = Unmanaged.passRetained(storage) }
  }
}
