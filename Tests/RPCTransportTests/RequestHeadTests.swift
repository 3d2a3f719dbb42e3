import RPCCore
import Testing

@testable import RPCTransport

@Suite struct RequestHeadTests {
  private let fields = [(":method", "POST"), (":path", "/test.Calls/Unary"), ("content-type", "application/grpc")]

  private func read(_ list: [(String, String)], with reader: inout RequestHeadReader) -> RequestHead {
    reader.begin()
    for (name, value) in list {
      Array(name.utf8).withUnsafeBytes { name in
        Array(value.utf8).withUnsafeBytes { value in reader.receive(name, value) }
      }
    }
    return reader.finish()
  }

  @Test func metadataIsThatOfItsOwnRequest() {
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    let first = read(fields + [("key", "first")], with: &reader)
    #expect(first.common.caller.metadata[text: "key"] == "first")
    #expect(read(fields + [("key", "first")], with: &reader).common.caller.metadata == first.common.caller.metadata)
    #expect(read(fields + [("key", "second")], with: &reader).common.caller.metadata[text: "key"] == "second")
    #expect(read(fields, with: &reader).common.caller.metadata.isEmpty)
    #expect(read(fields + [("key", "second")], with: &reader).common.caller.metadata[text: "key"] == "second")
  }

  @Test func metadataIsWhatAReaderOfNothingElseFinds() {
    // Each list after each other: the same beginning, parts of each other, what is shifted, what is not base64.
    let lists = [
      [], [("a", "1")], [("a", "1"), ("b", "2")], [("a", "1"), ("b", "3")], [("b", "2"), ("a", "1")], [("a", "")],
      [("a", "12")], [("a1", "2")], [("a", "1"), ("b", "2"), ("c-bin", "AAA")], [("a", "1"), ("c-bin", "=")],
      [("a", "1"), ("b", "2"), ("c-bin", "="), ("d", "4")],
    ]
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    for before in lists {
      for list in lists {
        var fresh = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
        let expected = read(fields + list, with: &fresh)
        _ = read(fields + before, with: &reader)
        for _ in 0..<2 {
          let head = read(fields + list, with: &reader)
          #expect(head.common.caller.metadata == expected.common.caller.metadata)
          #expect(code(head) == code(expected))
        }
      }
    }
  }

  @Test func metadataThatIsSpelledOtherwiseIsOther() {
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    func common(_ list: [(String, String)]) -> CommonHead { read(fields + list, with: &reader).common }
    let composed = common([("key", "\u{E9}")])
    #expect(common([("key", "\u{E9}")]) === composed)
    let decomposed = common([("key", "e\u{301}")])
    #expect(decomposed !== composed)
    #expect(common([("key", "e\u{301}")]) === decomposed)
  }

  @Test func requestsShareWhatOnlyTheirMethodAndTimeoutTellApart() {
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    let same = [(":method", "POST"), ("content-type", "application/grpc"), ("authorization", "Bearer abc")]
    let first = read(same + [(":path", "/a/b"), ("grpc-timeout", "5S")], with: &reader)
    let second = read(same + [("grpc-timeout", "4S"), (":path", "/a/c")], with: &reader)
    #expect(first.common === second.common)
    #expect(first.timeout == .seconds(5))
    #expect(second.timeout == .seconds(4))
    #expect(path(first) == "/a/b")
    #expect(path(second) == "/a/c")
  }

  @Test func credentialsAreKeptWhenOtherFieldsChange() {
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    func credentials(_ token: String, _ trace: String) -> Credentials? {
      read(fields + [("authorization", token), ("traceparent", trace)], with: &reader).common.caller.credentials
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
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    _ = read(fields + [("key", "first")], with: &reader)
    let long = String(repeating: "a", count: 1000)
    #expect(read([("key", "second")] + fields + [("long", long)], with: &reader).common.caller.metadata.isEmpty)
  }

  @Test func aPathIsThatOfItsOwnRequest() throws {
    var reader = RequestHeadReader(router: Router([]), peer: Peer(address: "test"), listBytesMax: 1000)
    _ = read(fields, with: &reader)
    let long = String(repeating: "a", count: 1000)
    guard case .reject(.status(let error, let path)) = read([("long", long)] + fields, with: &reader).verdict else {
      throw Unexpected()
    }
    #expect(error.code == .resourceExhausted)
    #expect(path.isEmpty)
  }

  private struct Unexpected: Error {}
}
