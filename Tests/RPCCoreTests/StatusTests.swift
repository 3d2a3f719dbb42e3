import RPCCore
import Testing

@Suite struct PercentEncodingTests {
  @Test(arguments: [
    ("plain text", "plain text"), ("100%", "100%25"), ("a\nb", "a%0Ab"), ("ä", "%C3%A4"), ("~", "~"),
    ("\u{7F}\0", "%7F%00"), (" a b ", "%20a b%20"), (" ", "%20"), ("", ""), ("🙂", "%F0%9F%99%82"),
  ])
  func whatIsNotPrintableASCIIIsEscaped(pair: (plain: String, encoded: String)) {
    #expect(percentEncoded(pair.plain) == pair.encoded)
    #expect(percentDecoded(pair.encoded) == pair.plain)
  }

  @Test(arguments: [
    ("%", "%"), ("%4", "%4"), ("%4x", "%4x"), ("%%41", "%A"), ("a%41", "aA"), ("%c3%a4", "ä"), ("%FF", "\u{FFFD}"),
    ("end%2", "end%2"), ("%zz%41", "%zzA"),
  ])
  func aDecoderTakesWhatItGets(pair: (encoded: String, plain: String)) {
    #expect(percentDecoded(pair.encoded) == pair.plain)
  }
}

@Suite struct StatusCodeTests {
  @Test func theCodesAreThoseOfTheWire() {
    #expect(StatusCode.allCases.map(\.rawValue) == Array(0...16))
    #expect(Set(StatusCode.allCases.map(\.name)).count == 17)
    #expect(StatusCode(rawValue: 17) == nil)
  }
}

@Suite struct RPCErrorTests {
  struct Secret: Error {}

  @Test func anRPCErrorIsAnsweredAsItIs() {
    let error = RPCError(answering: RPCError(.notFound, "gone"))
    #expect(error.code == .notFound)
    #expect(error.message == "gone")
  }

  @Test func aCancelledTaskIsAnsweredAsCancelled() {
    #expect(RPCError(answering: CancellationError()).code == .cancelled)
  }

  @Test func anyOtherErrorIsAFixedSentenceWithACauseForTheLog() {
    let error = RPCError(answering: Secret())
    #expect(error.code == .internal)
    #expect(error.message == "internal error")
    #expect(error.cause is Secret)
    #expect(error.description.contains("Secret"))
  }
}

@Suite struct TimeoutTests {
  private func parsed(_ text: String) -> Duration? {
    Array(text.utf8).withUnsafeBytes { parseTimeout($0) }
  }

  @Test(arguments: [
    ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
    ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("0S", .zero), ("00000001S", .seconds(1)),
    ("99999999n", .nanoseconds(99_999_999)), ("99999999H", .seconds(99_999_999 * 3600)),
  ])
  func everyUnitIsUnderstood(pair: (text: String, timeout: Duration)) {
    #expect(parsed(pair.text) == pair.timeout)
  }

  @Test(arguments: ["", "1", "S", "1s", "-1S", "+1S", "1.5S", "123456789S", " 1S", "1S ", "0x1S", "1SS", "１S"])
  func anythingElseIsMalformed(text: String) {
    #expect(parsed(text) == nil)
  }

  private static let durations: [Duration] =
    [0, 1, 999, 99_999_998, 99_999_999, 100_000_000, 100_000_001, 999_999_999].map { .nanoseconds($0) }
    + [1, 98, 99, 100, 99_998, 99_999, 100_000, 99_999_998, 99_999_999, 359_999_996_400].flatMap {
      [Duration.seconds($0), .seconds($0) + .nanoseconds(1), .seconds($0) - .nanoseconds(1)]
    }

  @Test(arguments: durations)
  func aHeaderNeverNamesLessThanTheDuration(timeout: Duration) throws {
    let header = timeoutHeader(for: timeout)
    let named = try #require(parsed(header), "\(header)")
    #expect(header.utf8.count <= 9)
    let longest = Duration.seconds(99_999_999 * 3600)
    #expect(named >= min(timeout, longest))
    // Nor more than a thousandth above it, except where only hours have the room.
    #expect(named <= timeout + max(.nanoseconds(1), timeout / 1_000) || header.hasSuffix("H") || timeout <= .zero)
  }

  @Test(arguments: [Duration.zero, .seconds(-5), .milliseconds(-1)])
  func whatHasPassedIsTheShortestTimeout(timeout: Duration) {
    #expect(timeoutHeader(for: timeout) == "1n")
  }

  @Test func theLongestDurationHasAHeader() {
    #expect(timeoutHeader(for: .seconds(Int64.max)) == "99999999H")
  }
}
