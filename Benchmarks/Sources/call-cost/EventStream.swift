import Foundation

/// Follows one WatchEvents stream with curl, and checks that its events come in order and without a gap.
struct EventStream {
  let target: Target
  /// The event before the first one that is expected.
  let after: Int64
  /// The last event that is expected.
  let until: Int64

  /// Reads the stream up to its last event; gives the time from the first bytes to the last, in seconds.
  func read(seconds: Int, processor: Int?) throws -> Double {
    guard let requestFile = target.requestFile else { throw BenchmarkFailure("WatchEvents needs a request") }
    let pipe = Pipe()
    let curl = try Program.start(
      [
        // Without buffers of its own, or it would keep the last events.
        "curl", "--silent", "--no-buffer", "--max-time", "\(seconds)", "--data-binary", "@\(requestFile)",
      ] + target.server.access.curlOptions + target.server.access.headers + [target.url],
      processor: processor, output: pipe)
    defer {
      curl.terminate()
      curl.waitUntilExit()
    }
    var messages = MessageReader()
    var sequence = after
    var start: ContinuousClock.Instant?
    while sequence < until {
      let bytes = pipe.fileHandleForReading.availableData
      guard !bytes.isEmpty else { throw BenchmarkFailure("the stream ended after event \(sequence) of \(until)") }
      if start == nil { start = .now }
      try messages.read(bytes) { message in
        guard let found = Self.sequence(of: message) else { return }
        guard found == sequence + 1 else { throw BenchmarkFailure("event \(found) came after \(sequence)") }
        sequence = found
      }
    }
    let duration = start.map { $0.duration(to: .now) } ?? .zero
    return duration / .seconds(1)
  }

  /// The sequence in a WatchEventsResponse that is an event; nil for a bookmark.
  private static func sequence(of message: Slice<UnsafeRawBufferPointer>) -> Int64? {
    var rest = message
    // Field 1 of the response is the event, and field 1 of the event its sequence.
    guard rest.popFirst() == 0x0a, varint(&rest) != nil, rest.popFirst() == 0x08 else { return nil }
    return varint(&rest)
  }

  private static func varint(_ bytes: inout Slice<UnsafeRawBufferPointer>) -> Int64? {
    var value: Int64 = 0
    for shift in stride(from: Int64(0), to: 64, by: 7) {
      guard let byte = bytes.popFirst() else { return nil }
      value |= Int64(byte & 127) << shift
      if byte < 128 { return value }
    }
    return nil
  }
}

/// Cuts a stream of bytes into gRPC messages.
struct MessageReader {
  private static let prefixBytes = 5
  private var pending = Data()

  mutating func read(_ bytes: Data, _ body: (Slice<UnsafeRawBufferPointer>) throws -> Void) throws {
    pending += bytes
    let consumed = try pending.withUnsafeBytes { buffer in
      var start = 0
      while start + Self.prefixBytes <= buffer.count {
        let length = Int(UInt32(bigEndian: buffer.loadUnaligned(fromByteOffset: start + 1, as: UInt32.self)))
        let end = start + Self.prefixBytes + length
        guard end <= buffer.count else { break }
        try body(buffer[(start + Self.prefixBytes)..<end])
        start = end
      }
      return start
    }
    pending = Data(pending.dropFirst(consumed))
  }
}
