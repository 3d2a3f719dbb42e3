import CNghttp2
import DequeModule

/// One stream of a connection: its outgoing body and what comes after it. Users subclass it to keep their own
/// state beside. Confined to the connection's thread.
open class HTTP2Stream {
  /// Where the outgoing side stands.
  enum Output {
    /// Nothing was submitted.
    case idle
    /// Headers are submitted; the body takes more.
    case open
    /// The body's end was said; what is queued goes out, then the trailers if there are any.
    case ending(trailers: HeaderBlock?)
    /// The last frame is in nghttp2's hands, or never will be.
    case ended
  }

  /// A piece of the body: bytes that live while their owner does.
  struct Piece {
    let owner: AnyObject
    let bytes: UnsafeRawBufferPointer
  }

  /// The stream's identifier.
  public let id: Int32
  var output = Output.idle
  var pieces = Deque<Piece>()
  // How much of the first piece is sent.
  var sentOfFirst = 0
  // nghttp2 was told there is nothing to send, and must be told when there is again.
  var isDeferred = false
  /// Bytes of the body that wait to be sent.
  public internal(set) var unsentBytes = 0
  /// True once the stream is gone from its connection.
  public internal(set) var isClosed = false

  /// A stream of the given identifier.
  public init(id: Int32) { self.id = id }

  /// Called when bytes of the body no longer wait: they went into a frame, or were dropped with the stream.
  open func dequeuedBody(_ bytes: Int) {}

  /// Copies waiting bytes to `target`; returns how many.
  func takeBody(_ target: UnsafeMutableRawBufferPointer) -> Int {
    var filled = 0
    while filled < target.count, let piece = pieces.first {
      let left = piece.bytes.count - sentOfFirst
      let taken = min(left, target.count - filled)
      if taken > 0, let from = piece.bytes.baseAddress, let to = target.baseAddress {
        (to + filled).copyMemory(from: from + sentOfFirst, byteCount: taken)
      }
      filled += taken
      if taken == left {
        pieces.removeFirst()
        sentOfFirst = 0
      } else {
        sentOfFirst += taken
      }
    }
    unsentBytes -= filled
    return filled
  }

  func dropBody() {
    pieces = []
    sentOfFirst = 0
    let dropped = unsentBytes
    unsentBytes = 0
    output = .ended
    if dropped > 0 { dequeuedBody(dropped) }
  }
}
