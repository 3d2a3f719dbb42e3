/// What is known of a call besides its request: to its handler, and to interceptors.
public final class ServerContext: @unchecked Sendable {
  /// The method that was called.
  public let method: MethodDescriptor
  /// When the call came in.
  public let start: MonotonicInstant
  /// How long the caller waits; nil if for ever.
  public let timeout: Duration?
  /// Names the call in logs.
  public let id: CallID
  private let caller: Caller

  // Set before the handler starts, then only read; hence the unchecked conformance.

  /// Whether the one request of the call came compressed; of streams of requests, each message tells.
  @exclusivity(unchecked) public private(set) var requestWasCompressed = false

  /// The event loop that alone runs what is done around the call, counted from 1; 0 where any thread may.
  package let lane: UInt16

  /// Who the caller is. For interceptors to say as the call begins, by `identify(as:)`.
  @exclusivity(unchecked) public private(set) var identity: Identity?
  /// The trace that the call is part of. For interceptors to say as the call begins, by `join(_:)`.
  @exclusivity(unchecked) public private(set) var trace: TraceContext?

  /// A call of which nothing is found out yet.
  public convenience init(
    method: MethodDescriptor, start: MonotonicInstant = .now, timeout: Duration? = nil,
    metadata: Metadata = Metadata(), peer: Peer, id: CallID, credentials: Credentials? = nil
  ) {
    let caller = Caller(peer: peer, metadata: metadata, credentials: credentials)
    self.init(method: method, start: start, timeout: timeout, caller: caller, id: id)
  }

  /// A call of `caller`.
  package init(
    method: MethodDescriptor, start: MonotonicInstant, timeout: Duration?, caller: Caller, id: CallID,
    lane: UInt16 = 0
  ) {
    self.method = method
    self.start = start
    self.timeout = timeout
    self.caller = caller
    self.id = id
    self.lane = lane
  }
}

// Set from another module as properties, each assignment would be checked for exclusive access.
extension ServerContext {
  /// Says whether the one request came compressed.
  package func noteRequest(wasCompressed: Bool) { requestWasCompressed = wasCompressed }

  /// Says who the caller is.
  package func identify(as identity: consuming Identity) { self.identity = identity }

  /// Says which trace the call is part of.
  package func join(_ trace: TraceContext?) { self.trace = trace }
}

extension ServerContext {
  /// The caller's metadata, without `authorization`.
  public var metadata: Metadata { caller.metadata }
  /// Who is at the other end of the connection.
  public var peer: Peer { caller.peer }
  /// What the caller proves itself by; nil if it sent no `authorization`.
  public var credentials: Credentials? { caller.credentials }
}

/// What a call mostly has in common with the one before it on its connection, which then share it.
package final class Caller: Sendable {
  package let peer: Peer
  package let metadata: Metadata
  package let credentials: Credentials?

  package init(peer: Peer, metadata: Metadata = Metadata(), credentials: Credentials? = nil) {
    self.peer = peer
    self.metadata = metadata
    self.credentials = credentials
  }
}

extension ServerContext {
  /// When the caller stops waiting; nil if it never does. The handler's task is cancelled then.
  public var deadline: MonotonicInstant? { timeout.map { start + $0 } }
}
