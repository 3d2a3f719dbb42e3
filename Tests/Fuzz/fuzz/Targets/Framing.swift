import RPCCore

extension FuzzTarget {
  static let framing = [framingTarget, decompression, acceptedEncodings]

  /// An encoding, a limit, the sizes of the cuts, and then frames: plain, compressed, or any bytes.
  private static let framingTarget = FuzzTarget(
    "framing",
    seeds: [
      [0, 10, 3, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0], [1, 255, 7, 13, 1, 200] + Array(repeating: 7, count: 200) + [0, 1, 9],
      [2, 255, 1, 1, 1, 90] + Array(repeating: 65, count: 90), [0, 20, 255, 255, 2, 8, 0, 0, 0, 0, 3, 1, 2, 3],
      [1, 40, 9, 9, 2, 6, 1, 0, 0, 0, 1, 31], [0, 9, 5, 5, 2, 5, 0, 255, 255, 255, 255],
    ]
  ) { input in
    let encoding = MessageEncoding.allCases[Int(input.takeByte()) % MessageEncoding.allCases.count]
    let messageBytesMax = Int(input.takeByte()) * 2
    let cuts = [Int(input.takeByte()), Int(input.takeByte())]
    let stream = FramedStream(&input, encoding)
    let whole = Deframed(stream.bytes, cuts: [stream.bytes.count], encoding, messageBytesMax)
    let pieces = Deframed(stream.bytes, cuts: cuts, encoding, messageBytesMax)
    expect(whole == pieces, "the same stream cut differently gives other messages")
    expect(whole.messages.allSatisfy { $0.bytes.count <= messageBytesMax }, "a message is over the limit")
    if let expected = stream.messages, expected.allSatisfy({ $0.bytes.count <= messageBytesMax }) {
      expect(whole.messages == expected && whole.failure == nil && whole.isAtBoundary, "sound frames are misread")
    }
  }

  /// An encoding, a limit, and what is decompressed.
  private static let decompression = FuzzTarget(
    "decompression",
    seeds: [
      [0, 1, 31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 120, 156, 3, 0, 0, 0, 0, 1],
      [0, 1, 31, 139, 8, 30, 0, 0, 0, 0, 0, 255, 3, 0, 97, 98, 99, 110, 0, 110, 0, 0, 0],
      // 64 KiB of zeros, and no end.
      [1, 255, 120, 218, 236, 193, 1, 1, 0, 0, 0, 128, 144, 254, 175, 238, 8, 10] + Array(repeating: 0, count: 63)
        + [106, 0, 0, 0, 255, 255],
      [2, 9] + Array("the message is the message is the message is the message is the message is".utf8),
    ]
  ) { input in
    let mode = input.takeByte()
    let bytesMax = Int(input.takeByte()) << 8
    let encoding: MessageEncoding = mode & 1 == 0 ? .gzip : .deflate
    let bytes = input.takeRest()
    if mode & 2 == 0 {
      try bytes.withExactCopy { bytes in
        do {
          try encoding.withDecompressed(bytes, bytesMax: bytesMax) { message in
            expect(message.count <= bytesMax, "more was decompressed than is allowed")
          }
        } catch is DecompressionError {}
      }
    } else {
      let frame = FramedMessage(copying: bytes).compressed(encoding)
      expect(frame.count <= bytes.count + FramedMessage.prefixBytes, "compression made it larger")
      guard frame.isCompressed else { return }
      let again = try frame.copiedPayload.withExactCopy { bytes in
        try encoding.withDecompressed(bytes, bytesMax: .max) { Array($0) }
      }
      expect(again == bytes, "what was compressed is not what is decompressed")
    }
  }

  private static let acceptedEncodings = FuzzTarget(
    "accepted-encodings", texts: ["gzip", "identity, deflate, gzip", "br,\tdeflate ,", MessageEncoding.accepted],
    words: ["gzip", "deflate", "identity", ","]
  ) { text in
    let names = text.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let best: MessageEncoding =
      names.contains { $0.elementsEqual("gzip".utf8) }
      ? .gzip : names.contains { $0.elementsEqual("deflate".utf8) } ? .deflate : .identity
    let found = Array(text.utf8).withExactCopy { MessageEncoding.best(acceptedBy: $0) }
    expect(found == best, "\(found) is not the best of \(text)")
    let named = Array(text.utf8).withExactCopy { MessageEncoding($0) }
    expect(named?.rawValue ?? text == text, "\(text) is no encoding")
  }
}

/// A message, and whether it came compressed.
private struct Lent: Equatable {
  let bytes: [UInt8]
  let wasCompressed: Bool
}

/// Frames as a peer may send them.
private struct FramedStream {
  private(set) var bytes: [UInt8] = []
  /// The messages; nil where there are bytes that may be no frames.
  private(set) var messages: [Lent]? = []

  init(_ input: inout FuzzInput, _ encoding: MessageEncoding) {
    while !input.isEmpty, bytes.count < 1 << 14 {
      let kind = input.takeByte() % 3
      let piece = input.takePiece()
      switch kind {
      case 0: add(FramedMessage(copying: piece), piece)
      case 1: add(FramedMessage(copying: piece).compressed(encoding), piece)
      default:
        bytes += piece
        if !piece.isEmpty { messages = nil }
      }
    }
  }

  private mutating func add(_ frame: FramedMessage, _ message: [UInt8]) {
    withExtendedLifetime(frame.owner) { bytes += frame.bytes }
    messages?.append(Lent(bytes: message, wasCompressed: frame.isCompressed))
  }
}

/// What a deframer makes of a stream that comes in pieces.
private struct Deframed: Equatable {
  private(set) var messages: [Lent] = []
  private(set) var failure: MessageDeframer.Failure?
  private(set) var isAtBoundary = true

  init(_ bytes: [UInt8], cuts: [Int], _ encoding: MessageEncoding, _ messageBytesMax: Int) {
    var deframer = MessageDeframer(messageBytesMax: messageBytesMax)
    deframer.encoding = encoding
    var rest = bytes[...]
    var index = 0
    while !rest.isEmpty {
      let piece = Array(rest.prefix(max(1, cuts[index % cuts.count])))
      rest = rest.dropFirst(piece.count)
      index += 1
      do {
        try piece.withExactCopy { piece in
          try deframer.receive(piece) { messages.append(Lent(bytes: Array($0), wasCompressed: $1)) }
        }
      } catch {
        failure = error as? MessageDeframer.Failure
        expect(failure != nil, "the deframer failed by \(error)")
        return
      }
      expect(deframer.heldBytes <= messageBytesMax + FramedMessage.prefixBytes, "too much is held")
    }
    isAtBoundary = deframer.isAtBoundary
  }
}

extension FramedMessage {
  fileprivate init(copying payload: [UInt8]) {
    self.init(payloadBytes: payload.count) { target in
      UnsafeMutableRawBufferPointer(start: target, count: payload.count).copyBytes(from: payload)
    }
  }

  fileprivate var copiedPayload: [UInt8] { withPayload { Array($0) } }
}
