import CNghttp2

/// A list of header fields ready to be sent any number of times: immutable, its bytes laid out once.
public final class HeaderBlock: @unchecked Sendable {
  // Immutable after init, hence the unchecked conformance.
  private let storage: UnsafeMutableBufferPointer<UInt8>
  private let fields: UnsafeMutableBufferPointer<nghttp2_nv>

  /// The fields, pseudo-header fields first. Names must be lower case. A block that is `kept` until the program ends
  /// is not copied when it is sent.
  public init(_ list: [(name: String, value: String)], kept: Bool = false) {
    let copying = kept ? NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue : 0
    storage = .allocate(capacity: list.reduce(1) { $0 + $1.name.utf8.count + $1.value.utf8.count })
    fields = .allocate(capacity: list.count)
    var offset = 0
    for (index, field) in list.enumerated() {
      let name = append(field.name, at: &offset)
      let value = append(field.value, at: &offset)
      fields.initializeElement(
        at: index,
        to: nghttp2_nv(
          name: name, value: value, namelen: field.name.utf8.count, valuelen: field.value.utf8.count,
          flags: UInt8(copying)))
    }
  }

  deinit {
    storage.deallocate()
    fields.deallocate()
  }

  private func append(_ text: String, at offset: inout Int) -> UnsafeMutablePointer<UInt8>? {
    let start = offset
    for byte in text.utf8 {
      storage.initializeElement(at: offset, to: byte)
      offset += 1
    }
    return storage.baseAddress.map { $0 + start }
  }

  var nameValues: UnsafePointer<nghttp2_nv>? { UnsafePointer(fields.baseAddress) }
  var count: Int { fields.count }
}
