/// A place in a distributed trace (W3C Trace Context, level 1, section 3.2).
public struct TraceContext: Sendable, Hashable {
  /// Sixteen bytes that name the trace; not all zero.
  public let traceID: (high: UInt64, low: UInt64)
  /// Names the operation within the trace; not zero.
  public let spanID: UInt64
  /// Flags, of which the lowest bit says that the trace is recorded.
  public let flags: UInt8

  /// The trace that the current task works for. Calls made by this task go out as part of it.
  @TaskLocal public static var current: TraceContext?

  /// A place in a trace.
  public init(traceID: (high: UInt64, low: UInt64), spanID: UInt64, flags: UInt8) {
    self.traceID = traceID
    self.spanID = spanID
    self.flags = flags
  }

  /// Reads a `traceparent`; nil for what is not one.
  public init?(traceparent text: some StringProtocol) {
    let bytes = Array(text.utf8.prefix(56))
    let dash = UInt8(ascii: "-")
    guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
      let version = lowerHex(bytes[0..<2]), version != 0xFF,
      // Later versions may go on after the flags, with another dash.
      version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == dash,
      let high = lowerHex(bytes[3..<19]), let low = lowerHex(bytes[19..<35]), high | low != 0,
      let span = lowerHex(bytes[36..<52]), span != 0, let flags = lowerHex(bytes[53..<55])
    else { return nil }
    self.init(traceID: (high, low), spanID: span, flags: UInt8(truncatingIfNeeded: flags))
  }

  /// The header for calls that go out from here.
  public var traceparent: String { "00-\(traceIDText)-\(hex(spanID, digits: 16))-\(hex(UInt64(flags), digits: 2))" }

  /// The trace's id in 32 hexadecimal digits, as logs have it.
  public var traceIDText: String { hex(traceID.high, digits: 16) + hex(traceID.low, digits: 16) }

  /// Runs `work` as part of `trace`, if there is one.
  public static func continuing<Result>(
    _ trace: TraceContext?, _ work: () async throws -> Result
  ) async rethrows -> Result {
    guard let trace else { return try await work() }
    return try await $current.withValue(trace, operation: work)
  }

  /// A new operation in the same trace, below this one.
  public func child() -> TraceContext {
    TraceContext(traceID: traceID, spanID: .random(in: 1 ... .max), flags: flags)
  }

  /// Equal when all parts are.
  public static func == (left: Self, right: Self) -> Bool {
    left.traceID == right.traceID && left.spanID == right.spanID && left.flags == right.flags
  }

  /// Hashes trace and span.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(traceID.high)
    hasher.combine(traceID.low)
    hasher.combine(spanID)
  }
}

// Upper case is not allowed in a traceparent.
private func lowerHex(_ digits: ArraySlice<UInt8>) -> UInt64? {
  var value: UInt64 = 0
  for digit in digits {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
    default: return nil
    }
  }
  return value
}

private func hex(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
