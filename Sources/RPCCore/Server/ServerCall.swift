/// A transport's end of one call on the server. Every method may be called from any thread; those of one
/// direction by one task at a time.
///
/// When the call is over for whatever reason (status sent, reset by the peer, connection lost, deadline passed),
/// sending throws and receiving throws: CANCELLED, or DEADLINE_EXCEEDED. Waiting also ends, with CANCELLED, when the task
/// that waits is cancelled. A second task that waits in one direction gets INTERNAL.
public protocol ServerCall: AnyObject, Sendable {
  /// Sends initial metadata now instead of with the first message. Ignored once a message was sent.
  func send(_ metadata: Metadata)

  /// Hands a message to the transport, which compresses it as `compression` says. False when the caller should
  /// `waitForRoom` before sending more.
  func enqueue(_ frame: FramedMessage, _ compression: CompressionChoice) throws -> Bool

  /// Hands messages to the transport, the first of `rest`, which it takes out of it: until there are none left, or no
  /// room for more. Takes at least one. False when the caller should `waitForRoom` before sending more.
  func enqueue(_ frames: FramedMessages, _ rest: inout Range<Int>, _ compression: CompressionChoice) throws -> Bool

  /// Returns when the peer has taken enough for another message.
  func waitForRoom() async throws

  /// The next request message, or nil when the caller has sent its last.
  func nextRequest() async throws -> FramedMessage?

  /// Adds to the metadata that goes with the status.
  func addTrailers(_ metadata: Metadata)
}

extension ServerCall {
  /// Hands over one message after another.
  public func enqueue(
    _ frames: FramedMessages, _ rest: inout Range<Int>, _ compression: CompressionChoice
  ) throws -> Bool {
    var hasRoom = true
    while hasRoom, let next = rest.popFirst() { hasRoom = try enqueue(frames[next], compression) }
    return hasRoom
  }
}
