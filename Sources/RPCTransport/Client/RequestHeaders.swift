import HTTP2
import RPCCore

/// The header lists of requests (grpc/doc/PROTOCOL-HTTP2.md, "Requests").
struct RequestHeaders {
  typealias Fields = [(name: String, value: String)]

  private let scheme: String
  private let authority: String
  private let userAgent: String

  init(scheme: String, authority: String, userAgent: String) {
    self.scheme = scheme
    self.authority = authority
    self.userAgent = userAgent
  }

  /// The fields of one call, of which `timeout` is left.
  func fields(_ method: MethodDescriptor, _ options: CallOptions, timeout: Duration?) -> Fields {
    var fields: Fields = [
      (":method", "POST"), (":scheme", scheme), (":path", method.path), (":authority", authority), ("te", "trailers"),
      ("content-type", "application/grpc"), ("user-agent", userAgent),
    ]
    fields.append(("grpc-accept-encoding", MessageEncoding.accepted))
    if options.compression != .identity { fields.append(("grpc-encoding", options.compression.rawValue)) }
    if let timeout { fields.append(("grpc-timeout", timeoutHeader(for: timeout))) }
    if options.previousAttempts > 0 {
      fields.append(("grpc-previous-rpc-attempts", String(options.previousAttempts)))
    }
    fields += options.metadata.headerFields
    return fields
  }

  /// The size of a list as its receiver counts it (RFC 9113 section 6.5.2).
  static func listBytes(_ fields: Fields) -> Int {
    fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 }
  }
}
