import HTTP2
import RPCCore

/// What of a response is not messages: metadata, how messages are compressed, the status.
struct ResponseHead {
  private var metadata = Metadata()
  private var trailers = Metadata()
  /// Whether the headers went out.
  private(set) var isSent = false
  /// How its messages are compressed.
  private(set) var coding: Coding

  /// The head of the response to a caller who sent `requestEncoding` and takes `accepted`.
  init(requestEncoding: MessageEncoding, accepted: MessageEncoding) {
    coding = Coding(requestEncoding: requestEncoding, accepted: accepted)
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
    coding.begin(choice)
    return ResponseHeaders.initial(metadata, coding.encoding)
  }

  // The two below change nothing, but so they read what is there where it is, without counting a reference to it.

  /// The trailers after the messages.
  mutating func end(_ error: RPCError?) -> HeaderBlock { ResponseHeaders.trailers(error, trailers) }

  /// The answer to a call that ends before any message.
  mutating func endOnly(_ error: RPCError?) -> HeaderBlock {
    var all = metadata
    all.add(contentsOf: trailers)
    return ResponseHeaders.trailersOnly(error, all)
  }

  /// How the messages of a response are compressed. Apart from the rest of it, since each message asks.
  struct Coding {
    // What the caller takes, and what of it the headers promise.
    private let accepted: MessageEncoding
    private let compressesInKind: Bool
    private(set) var encoding = MessageEncoding.identity

    fileprivate init(requestEncoding: MessageEncoding, accepted: MessageEncoding) {
      self.accepted = accepted
      compressesInKind = requestEncoding != .identity
    }

    fileprivate mutating func begin(_ choice: CompressionChoice) {
      if isForCompressed(choice) { encoding = accepted }
    }

    /// Whether messages sent as `choice` says are compressed, once the headers went out.
    func compresses(_ choice: CompressionChoice) -> Bool { encoding != .identity && isForCompressed(choice) }

    private func isForCompressed(_ choice: CompressionChoice) -> Bool {
      switch choice {
      case .inKind: compressesInKind
      case .always: true
      case .never: false
      }
    }
  }
}
