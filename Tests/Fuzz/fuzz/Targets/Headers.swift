@testable import RPCCore

extension FuzzTarget {
  static let headers = [
    metadata, base64, percentEncoding, timeout, timeoutHeaders, retryPushback, traceparent, authorization,
  ]

  /// A key and a value.
  private static let metadata = FuzzTarget(
    "metadata",
    seeds: [
      FuzzInput.piece("key") + Array("value".utf8), FuzzInput.piece("key-bin") + Array("AQ==, Ag,AwQ".utf8),
      FuzzInput.piece("grpc-status-details-bin") + Array("CAU".utf8),
    ], words: ["-bin", "grpc-", "te", "content-type", ",", "=="]
  ) { input in
    let key = input.takeText()
    let value = String(decoding: input.takeRest(), as: UTF8.self)
    var metadata = Metadata()
    if metadata.addFromWire(key, value) {
      expect(metadata.entries.allSatisfy { $0.key == key }, "a value came under another key")
      var again = Metadata()
      for entry in metadata.entries {
        switch entry.value {
        case .text(let text):
          expect(text == value && !key.hasSuffix("-bin"), "a text is not the one that came")
          expect(again.addFromWire(key, text), "a text that came cannot be sent")
        case .binary(let bytes): expect(again.addFromWire(key, base64Encoded(bytes)), "bytes that came cannot be sent")
        }
      }
      expect(again == metadata, "metadata that was sent on differs")
    }
    var own = Metadata()
    if own.add(key, value) {
      expect(value.utf8.allSatisfy { (0x20...0x7E).contains($0) } && own[text: key] == value, "\(key) is not as added")
    }
    if own.add(key, Array(value.utf8)) {
      expect(key.hasSuffix("-bin") && own[binary: key] == Array(value.utf8), "\(key) is not as added")
    }
  }

  private static let base64 = FuzzTarget(
    "base64", texts: ["Zm9vYmFy", "Zm8=", "Zg==", "Zg", "+/+/", "A"], words: ["=", "=="]
  ) { text in
    let bytes = Array(text.utf8)
    expect(base64Decoded(base64Encoded(bytes).utf8) == bytes, "bytes differ after encoding")
    guard let decoded = base64Decoded(text.utf8) else { return }
    expect(decoded.count <= bytes.count * 3 / 4, "more was decoded than there is")
    let again = base64Encoded(decoded)
    let digits = text.prefix { $0 != "=" }
    // The bits that no byte uses may be anything.
    expect(again.utf8.count == digits.utf8.count && again.dropLast() == digits.dropLast(), "\(text) became \(again)")
  }

  private static let percentEncoding = FuzzTarget(
    "percent-encoding", texts: ["a%20b", "%C3%A4", "%zz%", "%e2%82", "100 %"], words: ["%25", "%00", "%FF"]
  ) { text in
    let encoded = percentEncoded(text)
    expect(encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "what goes out is not printable ASCII")
    // By bytes: equal strings may have others.
    expect(percentDecoded(encoded).utf8.elementsEqual(text.utf8), "text differs after encoding")
    // Each byte becomes at most one U+FFFD.
    expect(percentDecoded(text).utf8.count <= text.utf8.count * 3, "more was decoded than there is")
  }

  private static let timeout = FuzzTarget("timeout", texts: ["1H", "99999999n", "00000000S", "5m", "12345678u"]) {
    text in
    guard let timeout = Array(text.utf8).withExactCopy({ parseTimeout($0) }) else { return }
    expect(timeout >= .zero && timeout <= .seconds(99_999_999 * 3600), "\(text) is \(timeout)")
    expect(text.utf8.dropLast().allSatisfy { (0x30...0x39).contains($0) }, "\(text) is no timeout")
    checkHeader(of: timeout)
  }

  private static let timeoutHeaders = FuzzTarget(
    "timeout-headers", seeds: [[], Array(repeating: 255, count: 16), [0, 0, 0, 0, 0, 0, 0, 99]]
  ) { input in
    let seconds = Int64(bitPattern: input.takeInteger())
    checkHeader(of: Duration(secondsComponent: seconds, attosecondsComponent: 0))
    let attoseconds = Int64(bitPattern: input.takeInteger()) % 1_000_000_000_000_000_000
    checkHeader(of: Duration(secondsComponent: seconds >> 8, attosecondsComponent: attoseconds))
  }

  private static func checkHeader(of timeout: Duration) {
    let header = timeoutHeader(for: timeout)
    guard let again = Array(header.utf8).withExactCopy({ parseTimeout($0) }) else {
      return expect(false, "\(timeout) becomes \(header), which is no timeout")
    }
    // The header has no more than 99,999,999 hours.
    expect(again >= min(timeout, .seconds(99_999_999 * 3600)), "\(timeout) becomes \(header), which is less")
    let least = Duration.nanoseconds(1)
    expect(again <= max(least, timeout + timeout / 10_000) + least, "\(timeout) becomes \(header), which is more")
  }

  private static let retryPushback = FuzzTarget(
    "retry-pushback", texts: ["0", "1000", "-1", "2147483647", "2147483648", "007", "+5", " 1", "", "\u{661}"]
  ) { text in
    let digits = text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? text.utf8.count : 0
    let isNumber = digits > 0 && (digits == 1 || text.utf8.first != 0x30)
    let milliseconds = isNumber ? Int64(text).flatMap { $0 <= Int32.max ? $0 : nil } : nil
    // What is no such number asks for peace (gRFC A6).
    let expected = milliseconds.map { RetryPushback.after(.milliseconds($0)) } ?? .never
    expect(RetryPushback(text) == expected, "\(text) asks for \(RetryPushback(text)), not \(expected)")
  }

  private static let traceparent = FuzzTarget(
    "traceparent",
    texts: [
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what",
    ], words: ["00000000000000000000000000000000", "0000000000000000", "ff-"]
  ) { text in
    guard let trace = TraceContext(traceparent: text) else { return }
    expect(trace.spanID != 0 && (trace.traceID.high | trace.traceID.low) != 0, "zero is no id")
    let header = trace.traceparent
    expect(header.utf8.count == 55 && TraceContext(traceparent: header) == trace, "\(header) is another trace")
    expect(text.utf8.dropFirst(2).prefix(53).elementsEqual(header.utf8.dropFirst(2)), "\(text) became \(header)")
  }

  /// A value, and another to compare it with.
  private static let authorization = FuzzTarget(
    "authorization", seeds: [FuzzInput.piece("Bearer abc") + Array("Bearer abc".utf8), FuzzInput.piece("Basic a")],
    words: ["Bearer ", "bearer "]
  ) { input in
    let first = input.takePiece()
    let second = input.takeRest()
    let credentials = Credentials(authorization: first)
    let isEqual = second.withExactCopy { credentials.isEqual(to: $0) }
    expect(isEqual == (first == second), "credentials are compared wrongly")
    guard let token = credentials.bearerToken else { return }
    expect(first.count - token.count >= 7 && first.suffix(token.count) == token, "a token is not what was sent")
    expect(token.first != UInt8(ascii: " "), "a token begins with a space")
  }
}
