import Glibc
import RPCCore

/// Reads the header fields of requests (grpc/doc/PROTOCOL-HTTP2.md, "Requests"). One for a connection: the fields
/// of one request come together.
///
/// Callers send the same metadata with call after call, so metadata whose bytes are those of the last request is
/// not parsed again.
struct RequestHeadReader {
  private let router: Router
  private let listBytesMax: Int
  private var method: ServerMethod?
  // The path where no method has it.
  private var unknownPath = ""
  private var timeout: Duration?
  private var encoding = MessageEncoding.identity
  private var acceptedEncoding = MessageEncoding.identity
  private var isPost = false
  private var isGRPC = false
  // The first thing wrong with the call itself; HTTP's own faults come before it.
  private var fault: RPCError?
  private var listBytes = 0
  private var customFields = CustomFields()
  private var lastMetadata = Metadata()
  // Counts the metadata that was parsed; 0 is that of requests without any.
  private var metadataNumber = 0
  private var credentials: Credentials?
  private var lastCredentials: Credentials?

  init(router: Router, listBytesMax: Int) {
    self.router = router
    self.listBytesMax = listBytesMax
  }

  /// Forgets the fields of a request that never became whole.
  mutating func begin() {
    if listBytes > 0 { reset() }
  }

  /// Takes one field.
  mutating func receive(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    listBytes += name.count + value.count + 32
    guard listBytes <= listBytesMax else { return }
    // By length first: it decides most comparisons.
    switch name.count {
    case 2 where name == "te": break
    case 5 where name == ":path":
      method = router.method(for: value)
      if method == nil { unknownPath = String(decoding: value, as: UTF8.self) }
    case 7 where name == ":method": isPost = value == "POST"
    case 7 where name == ":scheme": break
    case 10 where name == ":authority": break
    case 12 where name == "content-type": isGRPC = isGRPCType(value)
    case 12 where name == "grpc-timeout":
      timeout = parseTimeout(value)
      if timeout == nil {
        note(.invalidArgument, "malformed grpc-timeout; expected 1 to 8 digits and one of H, M, S, m, u, n")
      }
    case 13 where name == "grpc-encoding": receiveEncoding(value)
    case 20 where name == "grpc-accept-encoding": acceptedEncoding = MessageEncoding.best(acceptedBy: value)
    case 13 where name == "authorization": receiveCredentials(value)
    case 14 where name == "content-length": break
    default:
      // What is gRPC's own is not the application's.
      if name.count > 5, name[0] == UInt8(ascii: "g"), name.starts(with: "grpc-".utf8) { break }
      customFields.append(name)
      customFields.append(value)
    }
  }

  private mutating func receiveEncoding(_ value: UnsafeRawBufferPointer) {
    if let known = MessageEncoding(value) {
      encoding = known
    } else {
      var trailers = Metadata()
      _ = trailers.addFromWire("grpc-accept-encoding", MessageEncoding.accepted)
      let name = String(decoding: value, as: UTF8.self)
      note(.unimplemented, "grpc-encoding \"\(name)\" is not supported", trailers: trailers)
    }
  }

  private mutating func receiveCredentials(_ value: UnsafeRawBufferPointer) {
    if credentials != nil { return note(.unauthenticated, "several authorization headers; expected one") }
    if let last = lastCredentials, last.isEqual(to: value) {
      credentials = last
    } else {
      credentials = Credentials(authorization: value)
      lastCredentials = credentials
    }
  }

  /// What the fields that were received ask for. The reader is then ready for the next request.
  mutating func finish() -> RequestHead {
    // Of a list over the limit, only the beginning was read.
    let hasFields = !customFields.isEmpty && listBytes <= listBytesMax
    if listBytes > listBytesMax {
      note(.resourceExhausted, "the request's headers take more than \(listBytesMax) bytes")
    } else if hasFields, !customFields.areThoseKept {
      lastMetadata = parseMetadata()
      metadataNumber += 1
      // A fault is found again only if the fields are read again.
      if fault == nil { customFields.keep() } else { customFields.keepNone() }
    }
    defer { reset() }
    let verdict: RequestHead.Verdict
    if isPost, isGRPC, fault == nil, let method = method.takeValue() {
      verdict = .call(method)
    } else {
      verdict = .reject(rejection())
    }
    return RequestHead(
      verdict: verdict, metadata: hasFields ? lastMetadata : Metadata(),
      metadataNumber: hasFields ? metadataNumber : 0, timeout: timeout, encoding: encoding,
      acceptedEncoding: acceptedEncoding, credentials: credentials.takeValue())
  }

  private func rejection() -> RequestHead.Rejection {
    // What came beyond the limit was not read, and may be what seems to be missing.
    if listBytes > listBytesMax, let fault { return .status(fault, path: method?.descriptor.path ?? unknownPath) }
    guard isPost else { return .http(status: "405", field: ("allow", "POST")) }
    guard isGRPC else { return .http(status: "415", field: ("accept-post", "application/grpc")) }
    return .status(fault ?? router.refusal(of: unknownPath), path: method?.descriptor.path ?? unknownPath)
  }

  private mutating func reset() {
    timeout = nil
    encoding = .identity
    acceptedEncoding = .identity
    isPost = false
    isGRPC = false
    listBytes = 0
    // Mostly there is nothing to let go of.
    if method != nil { method = nil }
    if !unknownPath.isEmpty { unknownPath = "" }
    if fault != nil { fault = nil }
    if credentials != nil { credentials = nil }
    customFields.begin()
  }

  private mutating func note(_ code: StatusCode, _ message: String, trailers: Metadata = Metadata()) {
    if fault == nil { fault = RPCError(code, message, trailers: trailers) }
  }

  private mutating func parseMetadata() -> Metadata {
    var metadata = Metadata()
    var wrongKey: String?
    customFields.forEach { key, value in
      if !metadata.addFromWire(key, value) { wrongKey = wrongKey ?? key }
    }
    if let wrongKey { note(.invalidArgument, "the value of metadata \(wrongKey) is not base64") }
    return metadata
  }

  // application/grpc, alone or with the subtype proto, with parameters or without.
  private func isGRPCType(_ value: UnsafeRawBufferPointer) -> Bool {
    if value == "application/grpc" || value == "application/grpc+proto" { return true }
    return value.starts(with: "application/grpc;".utf8) || value.starts(with: "application/grpc+proto;".utf8)
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
  let metadata: Metadata
  /// The same for requests of a connection whose metadata is the same, byte by byte.
  let metadataNumber: Int
  let timeout: Duration?
  /// Of the request's messages.
  let encoding: MessageEncoding
  /// The best that the caller takes.
  let acceptedEncoding: MessageEncoding
  let credentials: Credentials?
}

@inline(__always)
private func == (bytes: UnsafeRawBufferPointer, text: StaticString) -> Bool {
  guard bytes.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
  return memcmp(base, text.utf8Start, bytes.count) == 0
}
