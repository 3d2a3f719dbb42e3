import HTTP2
import RPCCore

// The header lists of responses (grpc/doc/PROTOCOL-HTTP2.md, "Responses"). Almost every call uses the first two,
// which are made once.
enum ResponseHeaders {
  static let plain = HeaderBlock(initial, kept: true)
  static let ok = HeaderBlock([("grpc-status", "0")], kept: true)

  private static let messageBytesMax = 1024
  private static let initial = [(name: ":status", value: "200"), (name: "content-type", value: "application/grpc")]

  static func initial(_ metadata: Metadata, _ encoding: MessageEncoding) -> HeaderBlock {
    if metadata.isEmpty, encoding == .identity { return plain }
    let encodings = encoding == .identity ? [] : [(name: "grpc-encoding", value: encoding.rawValue)]
    return HeaderBlock(initial + encodings + metadata.headerFields)
  }

  static func trailers(_ error: RPCError?, _ metadata: Metadata) -> HeaderBlock {
    error == nil && metadata.isEmpty ? ok : HeaderBlock(status(error, metadata))
  }

  /// The answer to a call that ends before any message: status and headers in one.
  static func trailersOnly(_ error: RPCError?, _ metadata: Metadata) -> HeaderBlock {
    HeaderBlock(initial + status(error, metadata))
  }

  /// The answer to what is not a call.
  static func http(_ status: String, _ field: (String, String)) -> HeaderBlock {
    HeaderBlock([
      (name: ":status", value: status), (name: "content-length", value: "0"), (name: field.0, value: field.1),
    ])
  }

  private static func status(_ error: RPCError?, _ metadata: Metadata) -> [(name: String, value: String)] {
    var list = [(name: "grpc-status", value: String((error?.code ?? .ok).rawValue))]
    if let error {
      if !error.message.isEmpty {
        // In the worst case each byte takes three, and clients take some 8 KiB in all.
        let message = percentEncoded(error.message.shortened(toBytes: messageBytesMax))
        list.append((name: "grpc-message", value: message))
      }
      list += error.trailers.headerFields
    }
    return list + metadata.headerFields
  }
}
