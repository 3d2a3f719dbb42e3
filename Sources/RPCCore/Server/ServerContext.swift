/// What is known of a call besides its request: to its handler, and to interceptors.
public final class ServerContext: @unchecked Sendable {
  /// The method that was called.
  public let method: MethodDescriptor
  /// When the call came in.
  public let start: ContinuousClock.Instant
  /// How long the caller waits; nil if for ever.
  public let timeout: Duration?
  /// The caller's metadata, without `authorization`.
  public let metadata: Metadata
  /// Who is at the other end of the connection.
  public let peer: Peer
  /// Names the call in logs.
  public let id: CallID
  /// What the caller proves itself by; nil if it sent no `authorization`.
  public let credentials: Credentials?

  // Set before the handler starts, then only read; hence the unchecked conformance.

  /// Whether the one request of the call came compressed; of streams of requests, each message tells.
  @exclusivity(unchecked) public package(set) var requestWasCompressed = false

  /// Who the caller is. For interceptors to set as the call begins.
  @exclusivity(unchecked) public package(set) var identity: Identity?
  /// The trace that the call is part of. For interceptors to set as the call begins.
  @exclusivity(unchecked) public package(set) var trace: TraceContext?

  /// A call of which nothing is found out yet.
  public init(
    method: MethodDescriptor, start: ContinuousClock.Instant = .now, timeout: Duration? = nil,
    metadata: Metadata = Metadata(), peer: Peer, id: CallID, credentials: Credentials? = nil
  ) {
    self.method = method
    self.start = start
    self.timeout = timeout
    self.metadata = metadata
    self.peer = peer
    self.id = id
    self.credentials = credentials
  }
}

extension ServerContext {
  /// When the caller stops waiting; nil if it never does. The handler's task is cancelled then.
  public var deadline: ContinuousClock.Instant? { timeout.map { start + $0 } }
}

/// What is done around the calls of one method, in order.
public struct CallInterceptors: Sendable {
  private let interceptors: [any CallInterceptor]

  /// These, the first in the list outermost.
  public init(_ interceptors: [any CallInterceptor] = []) { self.interceptors = interceptors }

  /// True if nothing is done.
  public var isEmpty: Bool { interceptors.isEmpty }

  /// Tells all that `call` begins, until one refuses it; how many were told is added to `told`.
  /// - Throws: `RPCError`, the refusal.
  public func begin(_ call: ServerContext, told: inout Int) throws {
    for interceptor in interceptors {
      told += 1
      try interceptor.begins(call)
    }
  }

  /// Tells those that were `told` of the call's beginning that it is over, the last in the list first.
  public func end(_ call: CallSummary, told: Int) {
    var index = told
    while index > 0 {
      index -= 1
      interceptors[index].ended(call)
    }
  }
}
