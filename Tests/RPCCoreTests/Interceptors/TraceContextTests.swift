import RPCCore
import RPCTestSupport
import Testing

/// The `traceparent` header of W3C Trace Context.
@Suite struct TraceContextTests {
  private static let sample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  private static let ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

  @Test func itsPartsAreRead() throws {
    let trace = try #require(TraceContext(traceparent: Self.sample))
    #expect(trace.traceID == (high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736))
    #expect(trace.spanID == 0x00f0_67aa_0ba9_02b7)
    #expect(trace.flags == 1)
    #expect(trace.traceIDText == "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(trace.traceparent == Self.sample)
  }

  @Test(
    "What is one",
    arguments: [
      "00-\(ids)-00", "00-\(ids)-ff", "00-00000000000000000000000000000001-0000000000000001-00",
      "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01",
      "00-10000000000000000000000000000000-1000000000000000-01",
    ])
  func wellFormed(text: String) {
    #expect(TraceContext(traceparent: text)?.traceparent == text)
  }

  @Test(
    "Of later versions the known part is read",
    arguments: [
      "01-\(ids)-01", "cc-\(ids)-01", "fe-\(ids)-01-what-the-future-brings", "01-\(ids)-01-",
    ])
  func laterVersion(text: String) {
    #expect(TraceContext(traceparent: text)?.traceparent == Self.sample)
  }

  @Test(
    "What is none",
    arguments: [
      "", "-", "00", "00-\(ids)", "00-\(ids)-", "00-\(ids)-0", "00-\(ids)-011", "00-\(ids)-01-", "00-\(ids)-01-more",
      "00-\(ids)-01 ", " 00-\(ids)-01", "ff-\(ids)-01", "ff-\(ids)-01-more", "01-\(ids)-01more", "01-\(ids)-012",
      "0-\(ids)-01", "000-\(ids)-01", "0g-\(ids)-01", "00-\(ids)-0g", "00_\(ids)-01", "00-\(ids)_01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01", "0A-\(ids)-01", "00-\(ids)-0A",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
      "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e47360-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bx-01",
      "00-4bf92f3577b34da6a3ce929d0e0e473\u{e9}-00f067aa0ba902b7-01",
    ])
  func malformed(text: String) {
    #expect(TraceContext(traceparent: text) == nil)
  }

  @Test func everyByteOfOneMatters() {
    for index in Self.sample.indices {
      var changed = Self.sample
      changed.replaceSubrange(index...index, with: "\u{7f}")
      #expect(TraceContext(traceparent: changed) == nil)
      #expect(TraceContext(traceparent: Self.sample[..<index]) == nil)
    }
  }

  @Test func aChildIsAnotherOperationOfTheSameTrace() throws {
    let trace = try #require(TraceContext(traceparent: Self.sample))
    let child = trace.child()
    #expect(child.traceID == trace.traceID)
    #expect(child.flags == trace.flags)
    #expect(child.spanID != trace.spanID)
    #expect(child != trace)
    #expect(TraceContext(traceparent: child.traceparent) == child)
  }

  @Test func workGoesOnInATraceIfThereIsOne() async throws {
    let trace = try #require(TraceContext(traceparent: Self.sample))
    #expect(TraceContext.current == nil)
    await TraceContext.continuing(trace) {
      #expect(TraceContext.current == trace)
      await TraceContext.continuing(nil) { #expect(TraceContext.current == trace) }
    }
    await TraceContext.continuing(nil) { #expect(TraceContext.current == nil) }
  }
}
