import CNghttp2
import DequeModule

/// One stream of a connection: its outgoing body and what comes after it. Users subclass it to keep their own
/// state beside and to hear of what comes in. Confined to the connection's thread.
///
/// The `received` methods may submit frames, and must neither receive nor ask for output.
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

  /// The stream's identifier.
  public let id: Int32
  // The connection's thread is the only one here, and no access to these encloses another: checking that at run
  // time, on each of a call's dozen callbacks, is 3 % of a call.
  @exclusivity(unchecked) var output = Output.idle
  @exclusivity(unchecked) var body = OutgoingBody()
  // nghttp2 was told there is nothing to send, and must be told when there is again.
  @exclusivity(unchecked) var isDeferred = false
  // The connection's list of its streams.
  @exclusivity(unchecked) final var next: Unmanaged<HTTP2Stream>?
  @exclusivity(unchecked) final var previous: Unmanaged<HTTP2Stream>?
  /// True once the stream is gone from its connection.
  @exclusivity(unchecked) public internal(set) final var isClosed = false

  // The peer said that it sends no more, or reset the stream.
  @exclusivity(unchecked) final var hasPeerEnded = false

  /// A stream of the given identifier.
  public init(id: Int32) { self.id = id }

  /// Bytes of the body that wait to be sent.
  public final var unsentBytes: Int { body.bytes }

  /// nghttp2 knows the stream now: it can be answered.
  open func opened() {}

  /// One header field of a response or of trailers. The bytes live as long as the call.
  open func receivedField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {}

  /// The header list of a response or of trailers is complete; whether nothing follows on the stream.
  open func receivedFields(isEnd: Bool) {}

  /// A part of the body. The bytes live as long as the call, and count against both receive windows until they
  /// are consumed.
  open func receivedData(_ bytes: UnsafeRawBufferPointer) {}

  /// The peer sends no more on the stream.
  open func receivedEnd() {}

  /// The stream is over: both sides ended it, or one reset it.
  open func closed(_ code: HTTP2ErrorCode) {}

  /// Drops what waits, and returns how many bytes that were.
  func dropBody() -> Int {
    output = .ended
    let dropped = body.bytes
    body = OutgoingBody()
    return dropped
  }
}

/// The pieces of a body that wait to be sent.
struct OutgoingBody {
  /// Bytes that live while their owner does.
  struct Piece {
    let owner: AnyObject
    let bytes: UnsafeRawBufferPointer
  }

  // The first piece apart from the others: most bodies have one, and then need no queue.
  private var first: Piece?
  private var sentOfFirst = 0
  private var others: Deque<Piece>?
  private(set) var bytes = 0

  var isEmpty: Bool { first == nil }

  mutating func append(_ piece: consuming Piece) {
    bytes += piece.bytes.count
    if first == nil {
      first = piece
    } else {
      others = others ?? Deque()
      others?.append(piece)
    }
  }

  /// Moves waiting bytes to `target`; returns how many.
  mutating func take(_ target: UnsafeMutableRawBufferPointer) -> Int {
    var filled = 0
    while let piece = first {
      let left = piece.bytes.count - sentOfFirst
      let taken = min(left, target.count - filled)
      if taken > 0, let from = piece.bytes.baseAddress, let to = target.baseAddress {
        (to + filled).copyMemory(from: from + sentOfFirst, byteCount: taken)
      }
      filled += taken
      guard taken == left else {
        sentOfFirst += taken
        break
      }
      first = others?.popFirst()
      sentOfFirst = 0
    }
    bytes -= filled
    return filled
  }
}
