import RPCCore

/// Reads the header lists of one response: its headers, and its trailers (grpc/doc/PROTOCOL-HTTP2.md, "Responses").
struct ResponseHeadReader {
  /// What a header list says.
  enum Head {
    /// Only that another one follows (RFC 9110 section 15.2).
    case informational
    /// Messages follow, perhaps compressed, then trailers.
    case response(Metadata, MessageEncoding)
    /// That the call is over: with OK where there is no error.
    case end(RPCError?, trailers: Metadata)
    /// That this is no response to a call.
    case refusal(RPCError)
  }

  private let listBytesMax: Int
  private var listBytes = 0
  // Only headers have an HTTP status; trailers have none.
  private var httpStatus: Int?
  private var contentType: String?
  private var encoding = "identity"
  private var grpcStatus: String?
  private var grpcMessage = ""
  private var metadata = Metadata()

  /// `listBytesMax` bounds each list: its names and values, and 32 bytes a field.
  init(listBytesMax: Int) { self.listBytesMax = listBytesMax }

  mutating func receive(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    listBytes += name.count + value.count + 32
    guard listBytes <= listBytesMax else { return }
    let name = String(decoding: name, as: UTF8.self)
    let value = String(decoding: value, as: UTF8.self)
    switch name {
    // nghttp2 lets nothing through but three digits.
    case ":status": httpStatus = Int(value) ?? 0
    case "content-type": contentType = value
    case "grpc-status": grpcStatus = value
    case "grpc-message": grpcMessage = percentDecoded(value)
    case "grpc-encoding": encoding = value
    case "grpc-accept-encoding": break
    // A value that is not base64 is left out: it must not hide how the call ended.
    default: _ = metadata.addFromWire(name, value)
    }
  }

  /// That the list is too long, which may be why the rest of it never comes.
  var excess: RPCError? {
    guard listBytes > listBytesMax else { return nil }
    return RPCError(.resourceExhausted, "the response's headers take more than \(listBytesMax) bytes")
  }

  /// What the list said, which is complete. The reader is then ready for the next one.
  mutating func finish() -> Head {
    defer { self = ResponseHeadReader(listBytesMax: listBytesMax) }
    if let httpStatus, (100...199).contains(httpStatus) { return .informational }
    if let excess { return .refusal(excess) }
    if let grpcStatus { return .end(error(status: grpcStatus), trailers: metadata) }
    // These are trailers, of a response that was one.
    guard let httpStatus else {
      return .end(RPCError(.unknown, "the server sent no grpc-status", trailers: metadata), trailers: metadata)
    }
    guard httpStatus == 200 else { return .refusal(RPCError(httpStatus: httpStatus)) }
    guard let contentType, isGRPC(contentType) else {
      return .refusal(
        RPCError(.unknown, "the response's content-type is \"\(contentType ?? "")\"; expected application/grpc"))
    }
    guard let encoding = MessageEncoding(rawValue: encoding) else {
      return .refusal(RPCError(.internal, "the response's grpc-encoding is \"\(encoding)\", which was not asked for"))
    }
    return .response(metadata, encoding)
  }

  private func error(status: String) -> RPCError? {
    // `Int` alone would take a sign.
    let isNumber = status.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
    guard isNumber, let number = Int(status), let code = StatusCode(rawValue: number) else {
      return RPCError(.unknown, "the server sent grpc-status \"\(status)\": \(grpcMessage)", trailers: metadata)
    }
    return code == .ok ? nil : RPCError(code, grpcMessage, trailers: metadata)
  }

  // application/grpc, with a subtype or parameters or without.
  private func isGRPC(_ type: String) -> Bool {
    guard type.hasPrefix("application/grpc") else { return false }
    let next = type.utf8.dropFirst("application/grpc".utf8.count).first
    return next == nil || next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
  }
}
