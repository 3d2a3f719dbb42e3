import DequeModule
import RPCCore

/// What passes between the caller of a call and its stream: responses one way, room to send the other, and the end.
///
/// Whoever waits is resumed by the function that brings what it waits for.
struct CallExchange {
  typealias Reader = CheckedContinuation<FramedMessage?, any Error>
  typealias Writer = CheckedContinuation<Void, any Error>

  private let windowBytes: Int
  private var ending: Result<Void, RPCError>?
  private var responses = Deque<FramedMessage>()
  private var reader: Reader?
  // Bytes taken that the server was not told of.
  private var takenBytes = 0
  // Bytes that may be sent before the stream is asked for room.
  private var roomBytes: Int
  private var writer: Writer?

  /// Nil until the server sent its headers.
  var initialMetadata: Metadata?
  /// What the responses are compressed with.
  var encoding = MessageEncoding.identity
  private(set) var trailers = Metadata()
  private(set) var isUnprocessed = false

  init(unsentBytesMax: Int, windowBytes: Int) {
    roomBytes = unsentBytesMax
    self.windowBytes = windowBytes
  }

  // MARK: Requests

  /// A request of `bytes` is to be sent. False if its sender must wait for room afterwards; nil if nobody wants it.
  mutating func send(_ bytes: Int) throws(RPCError) -> Bool? {
    if let ending {
      try ending.get()
      return nil
    }
    roomBytes -= bytes
    return roomBytes > 0
  }

  func throwIfFailed() throws(RPCError) { try ending?.get() }

  mutating func waitForRoom(_ writer: Writer) {
    if let ending {
      writer.resume(with: ending)
    } else {
      self.writer = writer
    }
  }

  mutating func receivedRoom(_ bytes: Int) {
    roomBytes = bytes
    writer.takeValue()?.resume()
  }

  // MARK: Responses

  mutating func receivedMessage(_ message: FramedMessage) {
    if ending != nil { return }
    if let reader = reader.takeValue() {
      reader.resume(returning: message)
    } else {
      responses.append(message)
    }
  }

  /// What comes next, if that is known, and whether it is time to let the server send more.
  mutating func takeResponse() -> (next: Result<FramedMessage?, RPCError>, returnsWindow: Bool)? {
    if let next = responses.popFirst() {
      takenBytes += next.count
      // In quarters, so that a server does not run dry while its messages are being read.
      return (.success(next), ending == nil && (responses.isEmpty || takenBytes >= windowBytes / 4))
    }
    return ending.map { ($0.map { nil }, false) }
  }

  mutating func waitForResponse(_ reader: Reader) {
    if let (next, _) = takeResponse() {
      reader.resume(with: next)
    } else {
      self.reader = reader
    }
  }

  /// How many of the `unconsumed` bytes of the stream the server may send again: all but what waits to be taken.
  mutating func bytesToReturn(of unconsumed: Int) -> Int {
    defer { takenBytes = 0 }
    return responses.isEmpty ? unconsumed : min(takenBytes, unconsumed)
  }

  // MARK: The end

  mutating func end(_ error: RPCError?, trailers: Metadata, dropping: Bool, isUnprocessed: Bool) {
    guard ending == nil else { return }
    let ending: Result<Void, RPCError> = error.map { .failure($0) } ?? .success(())
    self.ending = ending
    self.trailers = trailers
    self.isUnprocessed = isUnprocessed
    if dropping { responses = [] }
    reader.takeValue()?.resume(with: ending.map { nil })
    writer.takeValue()?.resume(with: ending)
  }
}
