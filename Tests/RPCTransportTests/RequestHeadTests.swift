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
    var reader = RequestHeadReader(router: Router([]), listBytesMax: 1000)
    let first = read(fields + [("key", "first")], with: &reader)
    #expect(first.metadata[text: "key"] == "first")
    #expect(read(fields + [("key", "first")], with: &reader).metadata == first.metadata)
    #expect(read(fields + [("key", "second")], with: &reader).metadata[text: "key"] == "second")
    #expect(read(fields, with: &reader).metadata.isEmpty)
    #expect(read(fields + [("key", "second")], with: &reader).metadata[text: "key"] == "second")
  }

  @Test func metadataIsWhatAReaderOfNothingElseFinds() {
    // Each list after each other: the same beginning, parts of each other, what is shifted, what is not base64.
    let lists = [
      [], [("a", "1")], [("a", "1"), ("b", "2")], [("a", "1"), ("b", "3")], [("b", "2"), ("a", "1")], [("a", "")],
      [("a", "12")], [("a1", "2")], [("a", "1"), ("b", "2"), ("c-bin", "AAA")], [("a", "1"), ("c-bin", "=")],
      [("a", "1"), ("b", "2"), ("c-bin", "="), ("d", "4")],
    ]
    var reader = RequestHeadReader(router: Router([]), listBytesMax: 1000)
    for before in lists {
      for list in lists {
        var fresh = RequestHeadReader(router: Router([]), listBytesMax: 1000)
        let expected = read(fields + list, with: &fresh)
        _ = read(fields + before, with: &reader)
        for _ in 0..<2 {
          let head = read(fields + list, with: &reader)
          #expect(head.metadata == expected.metadata)
          #expect(code(head) == code(expected))
        }
      }
    }
  }

  @Test func metadataThatIsSpelledOtherwiseHasAnotherNumber() {
    var reader = RequestHeadReader(router: Router([]), listBytesMax: 1000)
    func number(_ list: [(String, String)]) -> Int { read(fields + list, with: &reader).metadataNumber }
    let composed = number([("key", "\u{E9}")])
    #expect(number([("key", "\u{E9}")]) == composed)
    let decomposed = number([("key", "e\u{301}")])
    #expect(decomposed != composed)
    #expect(number([]) == 0)
    #expect(number([("key", "e\u{301}")]) == decomposed)
  }

  private func code(_ head: RequestHead) -> StatusCode? {
    if case .reject(.status(let error, _)) = head.verdict { error.code } else { nil }
  }

  @Test func aListOverTheLimitHasNoMetadata() {
    var reader = RequestHeadReader(router: Router([]), listBytesMax: 1000)
    _ = read(fields + [("key", "first")], with: &reader)
    let long = String(repeating: "a", count: 1000)
    #expect(read([("key", "second")] + fields + [("long", long)], with: &reader).metadata.isEmpty)
  }

  @Test func aPathIsThatOfItsOwnRequest() throws {
    var reader = RequestHeadReader(router: Router([]), listBytesMax: 1000)
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
