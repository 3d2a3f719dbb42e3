import Glibc
import RPCCore

/// What the head of a request has in common with others of its connection, which then share it: all but the method and
/// the timeout (grpc/doc/PROTOCOL-HTTP2.md, "Requests").
///
/// Callers send the same fields with call after call, and what was found in them once, such as who the caller is, need
/// not be found again.
final class CommonHead {
  /// Who calls, and with what metadata.
  let caller: Caller
  /// Of the request's messages.
  let encoding: MessageEncoding
  /// The best that the caller takes.
  let acceptedEncoding: MessageEncoding
  let isPost: Bool
  let isGRPC: Bool
  /// The first thing wrong with the call itself; HTTP's own faults come before it.
  let fault: RPCError?

  /// The head without fields.
  init(peer: Peer) {
    caller = Caller(peer: peer)
    encoding = .identity
    acceptedEncoding = .identity
    isPost = false
    isGRPC = false
    fault = nil
  }

  /// The head that has the `fields` that were kept, after `last`.
  init(_ fields: HeaderFields, after last: CommonHead) {
    var reading = Reading(lastCredentials: last.caller.credentials)
    fields.forEachKept { reading.receive($0, $1) }
    reading.noteWrongMetadata()
    caller = Caller(peer: last.caller.peer, metadata: reading.metadata, credentials: reading.credentials)
    encoding = reading.encoding
    acceptedEncoding = reading.acceptedEncoding
    isPost = reading.isPost
    isGRPC = reading.isGRPC
    fault = reading.fault
  }

  private struct Reading {
    let lastCredentials: Credentials?
    var encoding = MessageEncoding.identity
    var acceptedEncoding = MessageEncoding.identity
    var isPost = false
    var isGRPC = false
    var fault: RPCError?
    var metadata = Metadata()
    var wrongKey: String?
    var credentials: Credentials?

    init(lastCredentials: Credentials?) { self.lastCredentials = lastCredentials }

    mutating func receive(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
      // By length first: it decides most comparisons.
      switch name.count {
      case 2 where name == "te": break
      case 7 where name == ":method": isPost = value == "POST"
      case 7 where name == ":scheme": break
      case 10 where name == ":authority": break
      case 12 where name == "content-type": isGRPC = isGRPCType(value)
      case 13 where name == "grpc-encoding": receiveEncoding(value)
      case 20 where name == "grpc-accept-encoding": acceptedEncoding = MessageEncoding.best(acceptedBy: value)
      case 13 where name == "authorization": receiveCredentials(value)
      default:
        // What is gRPC's own is not the application's.
        if name.starts(with: "grpc-".utf8) { break }
        let key = String(decoding: name, as: UTF8.self)
        if !metadata.addFromWire(key, String(decoding: value, as: UTF8.self)) { wrongKey = wrongKey ?? key }
      }
    }

    private mutating func receiveEncoding(_ value: UnsafeRawBufferPointer) {
      if let known = MessageEncoding(value) {
        encoding = known
      } else {
        var trailers = Metadata()
        _ = trailers.addFromWire("grpc-accept-encoding", MessageEncoding.accepted)
        let name = String(decoding: value, as: UTF8.self)
        note(RPCError(.unimplemented, "grpc-encoding \"\(name)\" is not supported", trailers: trailers))
      }
    }

    private mutating func receiveCredentials(_ value: UnsafeRawBufferPointer) {
      if credentials != nil {
        note(RPCError(.unauthenticated, "several authorization headers; expected one"))
      } else if let lastCredentials, lastCredentials.isEqual(to: value) {
        credentials = lastCredentials
      } else {
        credentials = Credentials(authorization: value)
      }
    }

    mutating func noteWrongMetadata() {
      guard let wrongKey else { return }
      note(RPCError(.invalidArgument, "the value of metadata \(wrongKey) is not base64"))
    }

    private mutating func note(_ fault: RPCError) { self.fault = self.fault ?? fault }

    // application/grpc, alone or with the subtype proto, with parameters or without.
    private func isGRPCType(_ value: UnsafeRawBufferPointer) -> Bool {
      if value == "application/grpc" || value == "application/grpc+proto" { return true }
      return value.starts(with: "application/grpc;".utf8) || value.starts(with: "application/grpc+proto;".utf8)
    }
  }
}

@inline(__always)
func == (bytes: UnsafeRawBufferPointer, text: StaticString) -> Bool {
  guard bytes.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
  return memcmp(base, text.utf8Start, bytes.count) == 0
}
