import RPCCore

extension Metadata {
  /// The pairs as header fields (grpc/doc/PROTOCOL-HTTP2.md, "Custom-Metadata").
  var headerFields: [(name: String, value: String)] {
    entries.map { entry in
      switch entry.value {
      case .text(let text): (entry.key, text)
      case .binary(let bytes): (entry.key, base64Encoded(bytes))
      }
    }
  }
}
