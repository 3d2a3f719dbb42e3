import DequeModule
import RPCCore

/// The messages of a stream that wait to be taken, by one task at a time, and the bytes of them that hold back the
/// peer.
///
/// Confined to the stream's event loop. A reader that waits is resumed there.
struct IncomingMessages {
  typealias Reader = CheckedContinuation<FramedMessage?, any Error>

  // None for the many streams of which no message ever waits.
  private var waiting: Deque<FramedMessage>?
  /// Bytes of the messages that wait.
  private(set) var waitingBytes = 0
  private var unconsumedBytes = 0
  private var hasAll = false
  // A function instead of the continuation itself: where there is none, as on most streams, it costs nothing.
  private var resumeReader: ((Result<FramedMessage?, any Error>) -> Void)?

  /// Bytes of the stream came in, of which messages will be made.
  mutating func received(_ bytes: Int) { unconsumedBytes += bytes }

  /// A message is complete.
  mutating func append(_ message: FramedMessage) {
    if let resume = resumeReader.takeValue() {
      resume(.success(message))
    } else {
      waiting = waiting ?? Deque()
      waiting?.append(message)
      waitingBytes += message.count
    }
  }

  /// No more messages come.
  mutating func finish() {
    hasAll = true
    resumeReader.takeValue()?(.success(nil))
  }

  /// Resumes `reader` with the next message, nil after the last, as soon as there is one.
  mutating func take(_ reader: Reader) {
    if let next = waiting?.popFirst() {
      waitingBytes -= next.count
      reader.resume(returning: next)
    } else if hasAll {
      reader.resume(returning: nil)
    } else {
      resumeReader = { reader.resume(with: $0) }
    }
  }

  /// Drops what waits; whoever waits for it gets `error`.
  mutating func fail(_ error: RPCError) {
    waiting = nil
    waitingBytes = 0
    resumeReader.takeValue()?(.failure(error))
  }

  /// What the peer may send again: nothing while a message waits, else all that came in since the last time.
  mutating func takeReturnableBytes() -> Int {
    guard waitingBytes == 0 else { return 0 }
    defer { unconsumedBytes = 0 }
    return unconsumedBytes
  }
}

extension Optional {
  /// Leaves nil behind and returns what was there.
  mutating func takeValue() -> Wrapped? {
    defer { self = nil }
    return self
  }
}
