import DequeModule
import RPCCore

/// The messages of a stream that wait to be taken, by one task at a time, and the bytes of them that hold back the
/// peer.
///
/// Confined to the stream's event loop. A reader that waits is resumed there.
struct IncomingMessages {
  // What a message takes besides its bytes: the allocation's header, its place in the queue.
  private static let overheadBytes = 64

  // None for the many streams of which no message ever waits.
  private var waiting: Deque<FramedMessage>?
  /// What the messages that wait take of memory.
  private(set) var waitingBytes = 0
  private var unconsumedBytes = 0
  private var hasAll = false
  private var reader: StreamWaiter<FramedMessage?>?

  /// Bytes of the stream came in, of which messages will be made.
  mutating func received(_ bytes: Int) { unconsumedBytes += bytes }

  /// A message is complete.
  mutating func append(_ message: FramedMessage) {
    if let reader = reader.takeValue(), reader.isWaiting {
      reader.resume(with: .success(message))
    } else {
      waiting = waiting ?? Deque()
      waiting?.append(message)
      waitingBytes += message.count + Self.overheadBytes
    }
  }

  /// No more messages come.
  mutating func finish() {
    hasAll = true
    reader.takeValue()?.resume(with: .success(nil))
  }

  /// The next message, if one waits.
  mutating func takeFirst() -> FramedMessage? {
    guard let next = waiting?.popFirst() else { return nil }
    waitingBytes -= next.count + Self.overheadBytes
    return next
  }

  /// Resumes `reader` with the next message, nil after the last, as soon as there is one.
  mutating func take(_ reader: StreamWaiter<FramedMessage?>) {
    if let next = takeFirst() {
      reader.resume(with: .success(next))
    } else if hasAll {
      reader.resume(with: .success(nil))
    } else {
      reader.take(&self.reader)
    }
  }

  /// Drops what waits; whoever waits for it gets `error`.
  mutating func fail(_ error: @autoclosure () -> RPCError) {
    waiting = nil
    waitingBytes = 0
    if let reader = reader.takeValue() { reader.resume(with: .failure(error())) }
  }

  /// What the peer may send again: nothing while a message waits, else all that came in since the last time.
  mutating func takeReturnableBytes() -> Int {
    guard waitingBytes == 0 else { return 0 }
    defer { unconsumedBytes = 0 }
    return unconsumedBytes
  }
}
