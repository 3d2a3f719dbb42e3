import Synchronization

/// What comes with the response to one call besides its messages. Put one into the call's options and ask it
/// afterwards, or while responses come in.
public final class ResponseMetadata: Sendable {
  private let call = Mutex<(any ClientCall)?>(nil)

  /// For a call that is not made yet.
  public init() {}

  /// What the server sent ahead of its first response; nil until it did, and for a call that it ended without.
  public var initial: Metadata? { call.withLock { $0 }?.initialMetadata }

  /// What the server sent with the status; empty until then.
  public var trailers: Metadata { call.withLock { $0 }?.trailers ?? Metadata() }

  func follow(_ call: any ClientCall) { self.call.withLock { $0 = call } }
}
