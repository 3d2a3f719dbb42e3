/// What happens on a connection while it receives or sends. Methods may submit frames, and must neither receive
/// nor ask for output.
public protocol HTTP2ConnectionDelegate: AnyObject {
  /// The peer opened a stream. Nil refuses it with REFUSED_STREAM.
  func openStream(_ id: Int32) -> HTTP2Stream?

  /// One header field, of the first header list or of the trailers. The bytes live as long as the call.
  func receivedHeader(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, on stream: HTTP2Stream)

  /// A header list is complete.
  func receivedHeaders(on stream: HTTP2Stream)

  /// A part of the body. The bytes live as long as the call, and count against both receive windows until they
  /// are consumed.
  func receivedData(_ bytes: UnsafeRawBufferPointer, on stream: HTTP2Stream)

  /// The peer sends no more on the stream.
  func receivedEnd(of stream: HTTP2Stream)

  /// The stream is over: both sides ended it, or one reset it.
  func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode)

  /// The peer opens no more streams, and answers none above `lastStream`.
  func receivedGoAway(lastStream: Int32, _ code: HTTP2ErrorCode)

  /// A PING of ours came back.
  func receivedPingAck(_ payload: UInt64)
}
