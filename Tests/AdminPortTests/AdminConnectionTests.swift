import NIOCore
import NIOEmbedded
import Testing

@testable import AdminPort

/// Keeps what was answered.
private final class Answers {
  var all: [String] = []
}

/// A connection without a socket; its two sides close together.
private final class Connection {
  let channel = EmbeddedChannel()
  private let answers = Answers()

  var answered: [String] { answers.all }

  init(_ configuration: AdminConfiguration = AdminConfiguration()) throws {
    let page = AdminAnswer(content: "found\n")
    try AdminConnection.add(to: channel, configuration, { $0 == "/page" ? page : nil }) { [answers] in
      answers.all.append("\($0 ?? "none") \($1)")
    }
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  // A channel holds itself until then, and what it still refuses tells nobody anything.
  deinit { _ = try? channel.finish(acceptAlreadyClosed: true) }

  func send(_ text: String) throws {
    guard channel.isActive else { return }
    try channel.writeInbound(ByteBuffer(string: text))
  }

  func received() throws -> String {
    var text = ""
    while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
    return text
  }
}

private func response(_ status: String, _ content: String, more: String = "", isSent: Bool = true) -> String {
  "HTTP/1.1 \(status)\r\n\(more)content-type: text/plain; charset=utf-8\r\ncontent-length: \(content.utf8.count)\r\n"
    + "cache-control: no-store\r\nconnection: close\r\n\r\n\(isSent ? content : "")"
}

@Suite struct AdminConnectionTests {
  private static let request = "GET /page?x=y HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n\r\n"

  @Test(arguments: 0...request.utf8.count)
  func aRequestIsAnsweredWhereverItIsCut(cut: Int) throws {
    let connection = try Connection()
    try connection.send(String(Self.request.prefix(cut)))
    try connection.send(String(Self.request.dropFirst(cut)))
    #expect(try connection.received() == response("200 OK", "found\n"))
    #expect(connection.answered == ["/page 200"])
  }

  @Test(
    "What is asked for otherwise is answered so",
    arguments: [
      ("HEAD /page HTTP/1.1\r\nHost: here\r\n\r\n", response("200 OK", "found\n", isSent: false)),
      ("GET /page HTTP/1.0\r\n\r\n", response("200 OK", "found\n")),
      ("GET / HTTP/1.1\r\nHost: here\r\n\r\n", response("404 Not Found", "there is no such page\n")),
      ("GET /page/ HTTP/1.1\r\nHost: here\r\n\r\n", response("404 Not Found", "there is no such page\n")),
      (
        "POST /page HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc",
        response("405 Method Not Allowed", "only GET and HEAD are answered\n", more: "allow: GET, HEAD\r\n")
      ),
      ("GET\r\n\r\n", response("400 Bad Request", "Bad Request\n")),
      ("\u{16}\u{3}\u{1}\u{0}", response("400 Bad Request", "Bad Request\n")),
      (
        "GET /page HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        response("400 Bad Request", "Bad Request\n")
      ),
    ])
  func other(request: String, answer: String) throws {
    let connection = try Connection()
    // What cannot be parsed may be refused by an error, too, that nobody listens to any more.
    try? connection.send(request)
    #expect(try connection.received() == answer)
    let status = answer.split(separator: " ")[1]
    #expect(connection.answered == [status == "200" ? "/page 200" : "none \(status)"])
  }

  @Test(
    "A head of more bytes than there may be is refused",
    arguments: [
      "GET /\(String(repeating: "a", count: 600)) HTTP/1.1\r\n\r\n",
      "GET /page HTTP/1.1\r\nX: \(String(repeating: "a", count: 600))\r\n\r\n",
      "GET /page HTTP/1.1\r\n\((0..<100).map { "X\($0): abcdef\r\n" }.joined())\r\n",
    ])
  func largeHead(request: String) throws {
    var configuration = AdminConfiguration()
    configuration.headBytesMax = 512
    let connection = try Connection(configuration)
    for byte in request.utf8 { try? connection.send(String(UnicodeScalar(byte))) }
    let answer = try connection.received()
    #expect(answer.hasPrefix("HTTP/1.1 431 Request Header Fields Too Large\r\n"))
  }

  @Test func aConnectionEndsWithItsTime() throws {
    var configuration = AdminConfiguration()
    configuration.timeout = .seconds(3)
    let connection = try Connection(configuration)
    try connection.send("GET /page HTTP/1.1\r\n")
    connection.channel.embeddedEventLoop.advanceTime(by: .milliseconds(2999))
    #expect(connection.channel.isActive)
    connection.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
    #expect(!connection.channel.isActive)
    #expect(try connection.received() == "")
    #expect(connection.answered == [])
  }

  @Test func aSecondRequestIsNotAnswered() throws {
    let connection = try Connection()
    try connection.send(Self.request + Self.request)
    #expect(try connection.received() == response("200 OK", "found\n"))
    try connection.send(Self.request)
    #expect(try connection.received() == "")
  }
}
