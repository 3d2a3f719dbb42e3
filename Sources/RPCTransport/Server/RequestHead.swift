import RPCCore

/// Reads the header fields of requests. One for a connection: the fields of one request come together.
struct RequestHeadReader {
  private let router: Router
  private let listBytesMax: Int
  private var method: ServerMethod?
  // The path where no method has it.
  private var unknownPath = ""
  private var timeout: Duration?
  private var timeoutIsWrong = false
  private var listBytes = 0
  // Those that requests mostly have in common, and what they said the last time.
  private var fields = HeaderFields()
  private var common: CommonHead

  init(router: Router, peer: Peer, listBytesMax: Int) {
    self.router = router
    self.listBytesMax = listBytesMax
    common = CommonHead(peer: peer)
  }

  /// Forgets the fields of a request that never became whole.
  mutating func begin() {
    if listBytes > 0 { reset() }
  }

  /// Takes one field.
  mutating func receive(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    listBytes += name.count + value.count + 32
    guard listBytes <= listBytesMax else { return }
    if name.count == 5, name == ":path" {
      receivePath(value)
    } else if name.count == 12, name == "grpc-timeout" {
      receiveTimeout(value)
    } else {
      fields.append(name, value)
    }
  }

  @inline(never)
  private mutating func receiveTimeout(_ value: UnsafeRawBufferPointer) {
    timeout = parseTimeout(value)
    timeoutIsWrong = timeoutIsWrong || timeout == nil
  }

  @inline(never)
  private mutating func receivePath(_ path: UnsafeRawBufferPointer) {
    method = router.method(for: path)
    if method == nil { unknownPath = String(decoding: path, as: UTF8.self) }
  }

  /// What the fields that were received ask for. The reader is then ready for the next request.
  mutating func finish() -> RequestHead {
    defer { reset() }
    // Of a list over the limit, only the beginning was read, and what seems to be missing may be in the rest.
    if listBytes > listBytesMax {
      let refusal = RPCError(.resourceExhausted, "the request's headers take more than \(listBytesMax) bytes")
      return RequestHead(verdict: refused(refusal), timeout: timeout, common: CommonHead(peer: common.caller.peer))
    }
    if !fields.areThoseKept {
      common = CommonHead(fields, after: common)
      fields.keep()
    }
    return RequestHead(verdict: verdict(), timeout: timeout, common: common)
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
    listBytes = 0
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
