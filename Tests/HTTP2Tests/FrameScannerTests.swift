import Testing

@testable import HTTP2

@Suite struct FrameScannerTests {
  private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  private let frames: [[UInt8]] = [
    // SETTINGS; HEADERS without their end on stream 2^31 - 1, whose reserved bit is set; a type that nobody knows.
    [0, 0, 0, 4, 0, 0, 0, 0, 0],
    [0, 0, 3, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3],
    [0, 1, 2, 0xEE, 0xAA, 0, 0, 0, 5] + [UInt8](repeating: 4, count: 258),
  ]
  private let headers = [
    FrameHeader(type: .settings, flags: 0, stream: 0, payloadBytes: 0),
    FrameHeader(type: .headers, flags: 1, stream: .max, payloadBytes: 3),
    FrameHeader(type: FrameType(rawValue: 0xEE), flags: 0xAA, stream: 5, payloadBytes: 258),
  ]

  private func scan(_ pieces: [[UInt8]]) -> (headers: [FrameHeader], isBetweenFrames: Bool) {
    var scanner = FrameScanner()
    var found: [FrameHeader] = []
    for piece in pieces {
      piece.withUnsafeBytes {
        var rest = $0
        while let header = scanner.next(in: &rest) { found.append(header) }
        #expect(rest.isEmpty)
      }
    }
    return (found, scanner.isBetweenFrames)
  }

  @Test func everyFrameIsFoundWhereverItsBytesAreCut() {
    let bytes = preface + frames.joined()
    for cut in 0...bytes.count {
      let found = scan([Array(bytes[..<cut]), Array(bytes[cut...])])
      #expect(found.headers == headers && found.isBetweenFrames, "cut at \(cut)")
    }
    #expect(scan(bytes.map { [$0] }).headers == headers)
  }

  @Test func onlyWholeFramesEndBetweenFrames() {
    let bytes = preface + frames.joined()
    var ends = [preface.count]
    for frame in frames { ends.append(ends[ends.count - 1] + frame.count) }
    for count in 0...bytes.count {
      #expect(scan([Array(bytes[..<count])]).isBetweenFrames == ends.contains(count), "after \(count) bytes")
    }
  }
}
