import HTTP2
import RPCCore

/// Reads the header fields of requests. One for a connection: the fields of one request come together.
struct RequestHeadReader {
  private let router: Router
  private var method: ServerMethod?
  // The path where no method has it.
  private var unknownPath = ""
  private var timeout: Duration?
  private var timeoutIsWrong = false
  private var hasBegun = false
  // Those that requests mostly have in common, and what they said the last time.
  private var fields = HeaderFields()
  private var common: CommonHead

  init(router: Router, peer: Peer) {
    self.router = router
    common = CommonHead(peer: peer)
  }

  /// Forgets the fields of a request that never became whole.
  mutating func begin() {
    if hasBegun { reset() }
    hasBegun = true
  }

  /// Takes one field that `repeated` has not passed over.
  mutating func receive(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {
    switch name.count {
    case 5 where name == ":path": receivePath(value)
    case 12 where name == "grpc-timeout": receiveTimeout(value)
    // nghttp2 compares it with what comes.
    case 14 where name == "content-length": break
    default: fields.append(name, value, &repeated)
    }
  }

  private mutating func receiveTimeout(_ value: UnsafeRawBufferPointer) {
    timeout = parseTimeout(value)
    timeoutIsWrong = timeoutIsWrong || timeout == nil
  }

  private mutating func receivePath(_ path: UnsafeRawBufferPointer) {
    method = router.method(for: path)
    if method == nil { unknownPath = String(decoding: path, as: UTF8.self) }
  }

  /// What the fields that were received ask for. The reader is then ready for the next request.
  mutating func finish(_ repeated: inout RepeatedFields) -> RequestHead {
    defer { reset() }
    if !fields.areThoseKept(repeated) {
      fields.keep(&repeated)
      common = CommonHead(fields, after: common)
    }
    return RequestHead(verdict: verdict(), timeout: timeout, common: common)
  }

  /// The same for a list over the limit: only its beginning was read, and what seems to be missing may be in the rest.
  mutating func finishOverLong(bytesMax: Int) -> RequestHead {
    defer { reset() }
    let refusal = RPCError(.resourceExhausted, "the request's headers take more than \(bytesMax) bytes")
    return RequestHead(verdict: refused(refusal), timeout: timeout, common: CommonHead(peer: common.caller.peer))
  }

  private mutating func verdict() -> RequestHead.Verdict {
    guard common.isPost else { return .reject(.http(status: "405", field: ("allow", "POST"))) }
    guard common.isGRPC else { return .reject(.http(status: "415", field: ("accept-post", "application/grpc"))) }
    if let fault = common.fault { return refused(fault) }
    if timeoutIsWrong {
      return refused(
        RPCError(
          .invalidArgument, "malformed grpc-timeout; expected 1 to 8 digits and one of H, M, S, m, u, n"))
    }
    guard let method = method.takeValue() else { return refused(router.refusal(of: unknownPath)) }
    return .call(method)
  }

  private func refused(_ refusal: RPCError) -> RequestHead.Verdict {
    .reject(.status(refusal, path: method?.descriptor.path ?? unknownPath))
  }

  private mutating func reset() {
    timeout = nil
    timeoutIsWrong = false
    hasBegun = false
    // Mostly there is nothing to let go of.
    if method != nil { method = nil }
    if !unknownPath.isEmpty { unknownPath = "" }
    fields.begin()
  }
}

/// What the header fields of one request ask for.
struct RequestHead {
  enum Verdict {
    case call(ServerMethod)
    case reject(Rejection)
  }

  /// Why there is no call. Boxed, so that every other request's head is small.
  indirect enum Rejection {
    /// Not gRPC: an HTTP status, with the header field it asks for.
    case http(status: String, field: (String, String))
    case status(RPCError, path: String)

    /// What was called, as far as it is told.
    var path: String {
      switch self {
      case .http: ""
      case .status(_, let path): path
      }
    }
  }

  let verdict: Verdict
  let timeout: Duration?
  let common: CommonHead
}
