import NIOCore
import NIOEmbedded

@testable import AdminPort

extension FuzzTarget {
  /// The size of the pieces in which the rest comes: what somebody sends to the admin port.
  static let adminHTTP = FuzzTarget(
    "admin-http",
    seeds: [
      "GET /page HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n\r\n", "HEAD /page?x=y HTTP/1.0\r\n\r\n",
      "GET /other HTTP/1.1\r\nHost: here\r\n\r\nGET /page HTTP/1.1\r\nHost: here\r\n\r\n", "GET\r\n\r\n",
      "POST /page HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "\u{16}\u{3}\u{1}\u{0}",
      "POST /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "GET /page HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "GET /page HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "GET http://here/page HTTP/1.1\r\n\r\n",
      "GET /\(String(repeating: "a", count: 600)) HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ].map { [7] + Array($0.utf8) },
    words: [
      "GET ", "HEAD ", "CONNECT ", "/page", " HTTP/1.1\r\n", "Host: ", "Content-Length: ", "\r\n\r\n",
      "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Upgrade: ", "\r\n ",
    ]
  ) { input in
    let pieceBytes = max(1, Int(input.takeByte()))
    let bytes = input.takeRest()
    let whole = try FuzzedAdmin(bytes, pieceBytes: max(1, bytes.count))
    let pieces = try FuzzedAdmin(bytes, pieceBytes: pieceBytes)
    // What is wrong in two ways may be refused for either.
    let isRefused = [whole, pieces].allSatisfy { [400, 431].contains($0.answered.first?.status) }
    expect(isRefused || whole.answer == pieces.answer, "\(whole.answer) is \(pieces.answer) in pieces")
    guard let status = whole.answered.first?.status else { return expect(whole.answer.isEmpty, "nothing is answered") }
    let request = bytes.drop { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }
    let isHead = request.starts(with: "HEAD ".utf8)
    check(whole.answer, status)
    expect(!isHead || whole.answer.hasSuffix("\r\n\r\n") || status != 200, "a HEAD gets content")
    // A page is sent only to who asks for it.
    let target = request.drop { $0 != UInt8(ascii: " ") }.drop { $0 == UInt8(ascii: " ") }
    let asks = target.starts(with: "/page ".utf8) || target.starts(with: "/page?".utf8)
    expect(status != 200 || asks, "a page is sent that nobody asked for")
  }

  private static func check(_ answer: String, _ status: Int) {
    guard let end = answer.range(of: "\r\n\r\n") else { return expect(false, "\(answer) has no head") }
    let head = answer[..<end.lowerBound].split(separator: "\r\n")
    let content = answer[end.upperBound...]
    expect(head.first?.hasPrefix("HTTP/1.1 \(status) ") == true, "\(answer) is not \(status)")
    // What a HEAD gets is only the head of it.
    let isWhole = head.contains("content-length: \(content.utf8.count)")
    expect(isWhole || content.isEmpty, "\(answer) has another length than it says")
    expect(head.contains("connection: close"), "\(answer) may be followed by others")
    expect([200, 400, 404, 405, 431].contains(status), "\(status) is no answer")
    expect((status == 405) == head.contains("allow: GET, HEAD"), "\(answer) does not say what is allowed")
  }
}

/// A connection to the admin port, and all that came of it.
private struct FuzzedAdmin {
  private final class Answers {
    var all: [(path: String?, status: Int)] = []
  }

  private(set) var answer = ""
  let answered: [(path: String?, status: Int)]

  init(_ bytes: [UInt8], pieceBytes: Int) throws {
    let channel = EmbeddedChannel()
    let answers = Answers()
    var configuration = AdminConfiguration()
    configuration.headBytesMax = 512
    let page = AdminAnswer(content: "found\n")
    try AdminConnection.add(to: channel, configuration, { $0 == "/page" ? page : nil }) {
      answers.all.append(($0, $1))
    }
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    var rest = bytes[...]
    while !rest.isEmpty, channel.isActive {
      let piece = rest.prefix(pieceBytes)
      rest = rest.dropFirst(piece.count)
      // What cannot be parsed may be refused by an error, too, that nobody listens to any more.
      _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
    }
    channel.embeddedEventLoop.advanceTime(by: .seconds(11))
    expect(!channel.isActive, "a connection outlives its time")
    while let piece = try channel.readOutbound(as: ByteBuffer.self) { answer += String(buffer: piece) }
    answered = answers.all
    expect(answered.count <= 1, "a connection has \(answered.count) answers")
    expect(answered.allSatisfy { ($0.path == "/page") == ($0.status == 200) }, "\(answered) was told")
  }
}
