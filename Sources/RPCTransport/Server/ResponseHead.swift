import HTTP2
import RPCCore

/// What of a response is not messages: metadata, how messages are compressed, the status.
struct ResponseHead {
  private var metadata = Metadata()
  private var trailers = Metadata()
  /// Whether the headers went out.
  private(set) var isSent = false
  // What the caller takes, and what of it the headers promise.
  private let accepted: MessageEncoding
  private let compressesInKind: Bool
  private(set) var encoding = MessageEncoding.identity

  /// The head of the response to a caller who sent `requestEncoding` and takes `accepted`.
  init(requestEncoding: MessageEncoding, accepted: MessageEncoding) {
    self.accepted = accepted
    compressesInKind = requestEncoding != .identity
  }

  /// Adds metadata, unless the headers went out.
  mutating func add(_ metadata: Metadata) {
    if !isSent { self.metadata.add(contentsOf: metadata) }
  }

  /// Adds to what goes with the status.
  mutating func addTrailers(_ metadata: Metadata) { trailers.add(contentsOf: metadata) }

  /// The headers before the first message, sent as `choice` says.
  mutating func begin(_ choice: CompressionChoice) -> HeaderBlock {
    isSent = true
    if compresses(choice) { encoding = accepted }
    return ResponseHeaders.initial(metadata, encoding)
  }

  /// The message as it goes on the wire.
  func encoded(_ frame: FramedMessage, _ choice: CompressionChoice) -> FramedMessage {
    encoding != .identity && compresses(choice) ? frame.compressed(encoding) : frame
  }

  /// Whether the headers went out, and messages follow them as they are.
  func sendsAsIs(_ choice: CompressionChoice) -> Bool { isSent && (encoding == .identity || !compresses(choice)) }

  private func compresses(_ choice: CompressionChoice) -> Bool {
    switch choice {
    case .inKind: compressesInKind
    case .always: true
    case .never: false
    }
  }

  /// The trailers after the messages.
  func end(_ error: RPCError?) -> HeaderBlock { ResponseHeaders.trailers(error, trailers) }

  /// The answer to a call that ends before any message.
  func endOnly(_ error: RPCError?) -> HeaderBlock {
    var all = metadata
    all.add(contentsOf: trailers)
    return ResponseHeaders.trailersOnly(error, all)
  }
}
