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
