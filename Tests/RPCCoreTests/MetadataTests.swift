import RPCCore
import Testing

@Suite struct MetadataTests {
  @Test func pairsKeepTheirOrderAndMayRepeat() {
    var metadata = Metadata()
    metadata.add("a", "1")
    metadata.add("b", "2")
    metadata.add("a", "3")
    #expect(metadata.entries.map(\.key) == ["a", "b", "a"])
    #expect(metadata[text: "a"] == "1")
    #expect(metadata[text: "c"] == nil)
    #expect(metadata[binary: "a"] == nil)
  }

  @Test(arguments: [
    "", "A", "with space", ":path", "ä", "x-bin", "a:b", "a/b", "a~", "grpc-", "grpc-status", "grpc-of-the-future",
    "content-type", "te", "user-agent", "host", "content-length", "connection", "keep-alive", "proxy-connection",
    "transfer-encoding", "upgrade",
  ])
  func textUnderAKeyThatIsNotForItIsNotAdded(key: String) {
    var metadata = Metadata()
    let isAdded = metadata.add(key, "value")
    #expect(!isAdded)
    #expect(metadata.isEmpty)
  }

  @Test(arguments: ["0", "a.b_c-d", "grpc", "x-grpc-name", "trailer", "authorization", "cache-control"])
  func otherKeysAreForText(key: String) {
    var metadata = Metadata()
    let isAdded = metadata.add(key, "value")
    #expect(isAdded)
    #expect(metadata[text: key] == "value")
  }

  @Test(
    "Text that a header field cannot carry is not added",
    arguments: ["line\nbreak", "\u{7F}", "ä", "\0", " ", " begins", "ends ", "\tbegins", "ends\t", "mid\tdle"])
  func wrongText(text: String) {
    var metadata = Metadata()
    let isAdded = metadata.add("key", text)
    #expect(!isAdded)
    #expect(metadata.isEmpty)
  }

  @Test(arguments: ["", "!", "~", "in the middle", String(repeating: "x", count: 10_000)])
  func textOfPrintableASCIIIsAdded(text: String) {
    var metadata = Metadata()
    let isAdded = metadata.add("key", text)
    #expect(isAdded)
    #expect(metadata[text: "key"] == text)
  }

  @Test func bytesNeedAKeyForBytes() {
    var metadata = Metadata()
    let areAdded = [
      metadata.add("key", [1]), metadata.add("grpc-other-bin", [1]), metadata.add("key-bin", [1, 2]),
      metadata.add("grpc-status-details-bin", [3]),
    ]
    #expect(areAdded == [false, false, true, true])
    #expect(metadata[binary: "key-bin"] == [1, 2])
    #expect(metadata[text: "key-bin"] == nil)
  }

  @Test func severalBinaryValuesMayBeJoinedByCommas() {
    var metadata = Metadata()
    let isAdded = metadata.addFromWire("key-bin", "AQ==, Ag,AwQ")
    #expect(isAdded)
    #expect(metadata.entries.map(\.value) == [.binary([1]), .binary([2]), .binary([3, 4])])
  }

  @Test func aBinaryValueThatIsNotBase64IsRefused() {
    var metadata = Metadata()
    let isAdded = metadata.addFromWire("key-bin", "!")
    #expect(!isAdded)
  }

  @Test func anEmptyBinaryValueIsNoBytes() {
    var metadata = Metadata()
    let isAdded = metadata.addFromWire("key-bin", "")
    #expect(isAdded)
    #expect(metadata[binary: "key-bin"] == [])
  }
}

@Suite struct Base64Tests {
  // RFC 4648 section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
    ("foobar", "Zm9vYmFy"),
  ])
  func theVectorsOfTheRFCGoBothWays(vector: (text: String, encoded: String)) {
    let bytes = Array(vector.text.utf8)
    #expect(base64Encoded(bytes) == vector.encoded)
    #expect(base64Decoded(vector.encoded.utf8) == bytes)
    let padding = String(repeating: "=", count: (4 - vector.encoded.utf8.count % 4) % 4)
    #expect(base64Decoded((vector.encoded + padding).utf8) == bytes)
  }

  @Test(arguments: ["A", "A===", "AA=", "AAA==", "====", "=", "==", "AA==AA", "A A", "AA\n", "Zm9v-", "Zm9v_", "Z=m9"])
  func anythingElseIsRefused(text: String) {
    #expect(base64Decoded(text.utf8) == nil)
  }

  @Test func everyByteAtEveryPlaceSurvives() {
    for count in 0...6 {
      for byte in UInt8.min...UInt8.max {
        let bytes = [UInt8](repeating: byte, count: count)
        #expect(base64Decoded(base64Encoded(bytes).utf8) == bytes)
      }
    }
  }
}
