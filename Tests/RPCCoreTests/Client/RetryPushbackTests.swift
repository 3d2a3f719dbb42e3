import Testing

@testable import RPCCore

@Suite struct RetryPushbackTests {
  @Test(arguments: [("0", 0), ("1", 1), ("1500", 1500), ("2147483647", 2_147_483_647)])
  func aNumberSaysWhenToComeBack(text: String, milliseconds: Int) {
    #expect(RetryPushback(text) == .after(.milliseconds(milliseconds)))
  }

  @Test(arguments: [
    "", " ", "-1", "-0", "-2147483648", "-2147483649", "-", "+", "+1", "++1", " 1", "1 ", "\t1", "1\n", "01", "00",
    "2147483648", "4294967296", "9223372036854775808", "1\(String(repeating: "0", count: 400))", "x", "1x", "1.5",
    "1e3", "0x10", "1,000", "1,1", "1_000", "\u{661}", "\u{FF11}", "1\u{0}", "inf", "nan",
  ]) func whatIsNoSuchNumberAsksForPeace(text: String) {
    #expect(RetryPushback(text) == .never)
  }
}
