import HTTP2
import RPCCore

@testable import RPCTransport

extension FuzzTarget {
  /// Fields by the number of a known name or by their own, up to an end of the request, and then another request.
  static let requestHead = FuzzTarget(
    "request-head",
    seeds: [
      sound + [0], sound + custom("key-bin", "AQ") + [0] + sound + custom("key-bin", "AQ") + [0],
      sound + custom("key-bin", "!") + [0] + sound + custom("key-bin", "!") + [0],
      sound + field(4, "5S") + field(5, "gzip") + field(7, "identity,gzip") + field(6, "Bearer abc") + [0],
      sound + field(6, "Bearer abc") + [0] + sound + field(6, "Bearer abc") + field(6, "Bearer abd") + [0],
      custom("a", "b") + custom("a", "b") + [255] + sound + [0],
    ],
    words: ["application/grpc", "/test.Calls/Unary", "POST", "deflate", "-bin"]
  ) { input in
    var shared = RequestHeadReader(router: router, peer: peer)
    var repeated = RepeatedFields()
    while !input.isEmpty {
      var fresh = RequestHeadReader(router: router, peer: peer)
      var none = RepeatedFields()
      repeated.begin()
      shared.begin()
      let isWhole = input.takeFields(names) { name, value in
        shared.receive(name, value, &repeated)
        fresh.receive(name, value, &none)
      }
      if isWhole { compare(shared.finish(&repeated), fresh.finish(&none)) }
    }
  }

  private static let peer = Peer(address: "fuzz")
  private static let names = [
    ":method", ":path", "content-type", "grpc-timeout", "grpc-encoding", "authorization", "grpc-accept-encoding", "te",
    ":authority", "traceparent", "x-bin",
  ]
  private static let router = Router([OneMethod()])

  private struct OneMethod: RPCService {
    var methods: [ServerMethod] {
      [ServerMethod(MethodDescriptor(service: "test.Calls", method: "Unary"), .manyRequests { _ in { _, _ in } })]
    }
  }

  // What a reader remembers of the last request must not show in the next.
  private static func compare(_ shared: RequestHead, _ fresh: RequestHead) {
    let (one, other) = (shared.common, fresh.common)
    expect(one.caller.metadata == other.caller.metadata, "metadata is another's")
    expect(shared.timeout == fresh.timeout, "the timeout is another's")
    expect(one.encoding == other.encoding && one.acceptedEncoding == other.acceptedEncoding, "the encodings are")
    switch (shared.verdict, fresh.verdict) {
    case (.call(let one), .call(let other)): expect(one === other, "the method is another's")
    case (.reject(.http(let one, _)), .reject(.http(let other, _))): expect(one == other, "the answer is another's")
    case (.reject(.status(let one, let path)), .reject(.status(let other, let otherPath))):
      expect(one.description == other.description, "the refusal is another's: \(one), not \(other)")
      expect(path == otherPath, "the path is another's")
    case (.call, .reject), (.reject, .call), (.reject(.http), .reject(.status)), (.reject(.status), .reject(.http)):
      expect(false, "the verdict is another's")
    }
    switch (one.caller.credentials, other.caller.credentials) {
    case (nil, nil): break
    case (let one?, let other?): expect(one.bearerToken == other.bearerToken, "the credentials are another's")
    case (nil, _?), (_?, nil): expect(false, "the credentials are another's")
    }
  }

  private static func field(_ number: UInt8, _ value: String) -> [UInt8] { FuzzInput.field(number, value) }
  private static func custom(_ name: String, _ value: String) -> [UInt8] { FuzzInput.field(name, value) }
  private static let sound =
    field(1, "POST") + field(2, "/test.Calls/Unary") + field(3, "application/grpc") + field(8, "trailers")
}
