import RPCCore
import RPCTestSupport
import Testing

/// Which trace a call becomes part of, by what its caller sent.
@Suite struct TraceInterceptorTests {
  private static let sample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  private static let other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

  private func trace(of entries: [(key: String, value: String)]) throws -> TraceContext? {
    var metadata = Metadata()
    for entry in entries { metadata.add(entry.key, entry.value) }
    let call = ServerContext(
      method: Calls.unary, metadata: metadata, peer: Peer(address: "test"),
      id: CallID(connection: CallID.Connection(), stream: 1))
    try TraceInterceptor().begins(call)
    return call.trace
  }

  @Test func aCallIsAnOperationBelowItsCallers() throws {
    let caller = try #require(TraceContext(traceparent: Self.sample))
    let trace = try #require(try trace(of: [("x-name", "ada"), ("traceparent", Self.sample), ("x-name", "grace")]))
    #expect(trace.traceID == caller.traceID)
    #expect(trace.flags == caller.flags)
    #expect(trace.spanID != caller.spanID)
  }

  @Test(
    "Without one traceparent that is one, a call is part of no trace",
    arguments: [
      [], [""], ["none"], ["\(sample),\(other)"], [sample, sample], [sample, other], [sample, "none"],
      ["none", sample], ["", sample], [sample, sample, sample],
    ])
  func noTrace(parents: [String]) throws {
    #expect(try trace(of: parents.map { ("traceparent", $0) }) == nil)
  }

  @Test func itIsHeardOfAsCallsOfEveryMethodBegin() {
    let interceptor = TraceInterceptor()
    #expect(interceptor.interest == .begins)
    for method in [nil, Calls.unary] {
      #expect(interceptor.interceptor(for: method) === interceptor)
    }
  }
}
