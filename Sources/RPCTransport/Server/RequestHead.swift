import Glibc
import RPCCore

/// The header fields of a request as they come in (grpc/doc/PROTOCOL-HTTP2.md, "Requests").
struct RequestHead {
  private(set) var method: ServerMethod?
  // The path where no method has it.
  private(set) var unknownPath = ""
  private(set) var metadata = Metadata()
  private(set) var timeout: Duration?
  private var isPost = false
  private var isGRPC = false
  private var listBytes = 0
  // The first thing wrong with the call itself; HTTP's own faults come before it.
  private var fault: RPCError?

  /// What becomes of a request after its head.
  enum Verdict {
    case call(ServerMethod)
    /// Not a call: an HTTP status, with a header field where the status asks for one.
    case http(status: String, field: (String, String)?)
    case refuse(RPCError)
  }

  mutating func receive(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ router: Router, listBytesMax: Int) {
    listBytes += name.count + value.count + 32
    guard listBytes <= listBytesMax else {
      fault = RPCError(.resourceExhausted, "the request's headers take more than \(listBytesMax) bytes")
      return
    }
    // By length first: it decides most comparisons.
    switch name.count {
    case 5 where name == ":path":
      method = router.method(for: value)
      if method == nil { unknownPath = String(decoding: value, as: UTF8.self) }
    case 7 where name == ":method": isPost = value == "POST"
    case 12 where name == "content-type": isGRPC = isGRPCType(value)
    case 12 where name == "grpc-timeout":
      timeout = parseTimeout(value)
      if timeout == nil {
        note(.invalidArgument, "malformed grpc-timeout; expected 1 to 8 digits and one of H, M, S, m, u, n")
      }
    case 13 where name == "grpc-encoding":
      if !(value == "identity") {
        var trailers = Metadata()
        _ = trailers.addFromWire("grpc-accept-encoding", "identity")
        note(
          .unimplemented, "grpc-encoding \"\(String(decoding: value, as: UTF8.self))\" is not supported",
          trailers: trailers)
      }
    default: receiveOther(name, value)
    }
  }

  private mutating func receiveOther(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    // Pseudo-header fields and what is gRPC's or HTTP's own are not the application's.
    if name.first == UInt8(ascii: ":") || name.starts(with: "grpc-".utf8) || name == "te" { return }
    let key = String(decoding: name, as: UTF8.self)
    if !metadata.addFromWire(key, String(decoding: value, as: UTF8.self)) {
      note(.invalidArgument, "the value of metadata \(key) is not base64")
    }
  }

  private mutating func note(_ code: StatusCode, _ message: String, trailers: Metadata = Metadata()) {
    if fault == nil { fault = RPCError(code, message, trailers: trailers) }
  }

  func verdict(_ router: Router) -> Verdict {
    guard isPost else { return .http(status: "405", field: ("allow", "POST")) }
    guard isGRPC else { return .http(status: "415", field: ("accept-post", "application/grpc")) }
    if let fault { return .refuse(fault) }
    guard let method else { return .refuse(router.refusal(of: unknownPath)) }
    return .call(method)
  }

  // application/grpc, alone or followed by a subtype or a parameter.
  private func isGRPCType(_ value: UnsafeRawBufferPointer) -> Bool {
    let prefix = "application/grpc"
    guard value.starts(with: prefix.utf8) else { return false }
    if value.count == prefix.utf8.count { return true }
    return value[prefix.utf8.count] == UInt8(ascii: ";") || value.dropFirst(prefix.utf8.count).elementsEqual("+proto".utf8)
      || value.dropFirst(prefix.utf8.count).starts(with: "+proto;".utf8)
  }
}

@inline(__always)
private func == (bytes: UnsafeRawBufferPointer, text: StaticString) -> Bool {
  guard bytes.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
  return memcmp(base, text.utf8Start, bytes.count) == 0
}
