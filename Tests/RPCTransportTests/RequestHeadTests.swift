import HTTP2
import RPCCore
import Testing

@testable import RPCTransport

@Suite struct RequestHeadTests {
  private let fields = [(":method", "POST"), (":path", "/test.Calls/Unary"), ("content-type", "application/grpc")]

  /// The reader of a connection.
  private struct Reader: ~Copyable {
    private var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"))
    private var repeated = RepeatedFields()

    mutating func read(_ list: [(String, String)], isOverLong: Bool = false) -> RequestHead {
      repeated.begin()
      reader.begin()
      for (name, value) in list {
        Array(name.utf8).withUnsafeBytes { name in
          Array(value.utf8).withUnsafeBytes { value in reader.receive(name, value, &repeated) }
        }
      }
      return isOverLong ? reader.finishOverLong(bytesMax: 1000) : reader.finish(&repeated)
    }
  }

  @Test func metadataIsThatOfItsOwnRequest() {
    var reader = Reader()
    let first = reader.read(fields + [("key", "first")])
    #expect(first.common.caller.metadata[text: "key"] == "first")
    #expect(reader.read(fields + [("key", "first")]).common.caller.metadata == first.common.caller.metadata)
    #expect(reader.read(fields + [("key", "second")]).common.caller.metadata[text: "key"] == "second")
    #expect(reader.read(fields).common.caller.metadata.isEmpty)
    #expect(reader.read(fields + [("key", "second")]).common.caller.metadata[text: "key"] == "second")
  }

  @Test func metadataIsWhatAReaderOfNothingElseFinds() {
    // Each list after each other: the same beginning, parts of each other, what is shifted, what is not base64.
    let lists = [
      [], [("a", "1")], [("a", "1"), ("b", "2")], [("a", "1"), ("b", "3")], [("b", "2"), ("a", "1")], [("a", "")],
      [("a", "12")], [("a1", "2")], [("a", "1"), ("b", "2"), ("c-bin", "AAA")], [("a", "1"), ("c-bin", "=")],
      [("a", "1"), ("b", "2"), ("c-bin", "="), ("d", "4")],
    ]
    var reader = Reader()
    for before in lists {
      for list in lists {
        var fresh = Reader()
        let expected = fresh.read(fields + list)
        _ = reader.read(fields + before)
        for _ in 0..<2 {
          let head = reader.read(fields + list)
          #expect(head.common.caller.metadata == expected.common.caller.metadata)
          #expect(code(head) == code(expected))
        }
      }
    }
  }

  @Test(
    "Fields of gRPC's own are no metadata",
    arguments: ["grpc-x", "grpc-", "grpc-x-bin", "grpc-encoding", "grpc-accept-encoding", "grpc-timeout", "te"])
  func ownField(name: String) {
    var reader = Reader()
    let head = reader.read(fields + [(name, "none"), ("grpc", "1"), ("x-grpc-y", "2")])
    #expect(head.common.caller.metadata.entries.map(\.key) == ["grpc", "x-grpc-y"])
  }

  @Test func metadataThatIsSpelledOtherwiseIsOther() {
    var reader = Reader()
    func common(_ list: [(String, String)]) -> CommonHead { reader.read(fields + list).common }
    let composed = common([("key", "\u{E9}")])
    #expect(common([("key", "\u{E9}")]) === composed)
    let decomposed = common([("key", "e\u{301}")])
    #expect(decomposed !== composed)
    #expect(common([("key", "e\u{301}")]) === decomposed)
  }

  @Test func requestsShareWhatOnlyTheirMethodAndTimeoutTellApart() {
    var reader = Reader()
    let same = [(":method", "POST"), ("content-type", "application/grpc"), ("authorization", "Bearer abc")]
    let first = reader.read(same + [(":path", "/a/b"), ("grpc-timeout", "5S")])
    let second = reader.read(same + [("grpc-timeout", "4S"), (":path", "/a/c")])
    #expect(first.common === second.common)
    #expect(first.timeout == .seconds(5))
    #expect(second.timeout == .seconds(4))
    #expect(path(first) == "/a/b")
    #expect(path(second) == "/a/c")
  }

  @Test func credentialsAreKeptWhenOtherFieldsChange() {
    var reader = Reader()
    func credentials(_ token: String, _ trace: String) -> Credentials? {
      reader.read(fields + [("authorization", token), ("traceparent", trace)]).common.caller.credentials
    }
    let first = credentials("Bearer abc", "1")
    #expect(first != nil)
    #expect(credentials("Bearer abc", "2") === first)
    #expect(credentials("Bearer abd", "2") !== first)
  }

  private func path(_ head: RequestHead) -> String? {
    if case .reject(let reason) = head.verdict { reason.path } else { nil }
  }

  private func code(_ head: RequestHead) -> StatusCode? {
    if case .reject(.status(let error, _)) = head.verdict { error.code } else { nil }
  }

  @Test func aListOverTheLimitHasNoMetadata() {
    var reader = Reader()
    _ = reader.read(fields + [("key", "first")])
    #expect(reader.read([("key", "second")] + fields, isOverLong: true).common.caller.metadata.isEmpty)
    #expect(reader.read(fields + [("key", "first")]).common.caller.metadata[text: "key"] == "first")
  }

  @Test func aPathIsThatOfItsOwnRequest() throws {
    var reader = Reader()
    _ = reader.read(fields)
    guard case .reject(.status(let error, let path)) = reader.read([], isOverLong: true).verdict else {
      throw Unexpected()
    }
    #expect(error.code == .resourceExhausted)
    #expect(path.isEmpty)
  }

  private struct Unexpected: Error {}
}
