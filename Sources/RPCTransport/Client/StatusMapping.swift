import HTTP2
import RPCCore

// How a call ended when no server said so in gRPC's own words.
extension RPCError {
  /// For a response without `grpc-status` (grpc/doc/http-grpc-status-mapping.md).
  init(httpStatus: Int) {
    let code: StatusCode =
      switch httpStatus {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
    self.init(code, "the server answered with HTTP status \(httpStatus) and no gRPC status")
  }

  /// For a stream that was reset, by the server or for what the server did (grpc/doc/PROTOCOL-HTTP2.md, "Errors").
  init(resetWith reset: HTTP2ErrorCode) {
    let code: StatusCode =
      switch reset {
      case .refusedStream: .unavailable
      case .cancel: .cancelled
      case .enhanceYourCalm: .resourceExhausted
      case HTTP2ErrorCode(rawValue: 0xC): .permissionDenied  // INADEQUATE_SECURITY
      default: .internal
      }
    self.init(code, "the stream was reset with HTTP/2 error \(reset.rawValue)")
  }
}
