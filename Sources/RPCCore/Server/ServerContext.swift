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
  // Each with its place in the list. Those that do nothing at one end of a call are not asked to.
  private typealias Listener = (place: Int, interceptor: any CallInterceptor)
  private let beginning: [Listener]
  private let ending: [Listener]
  private let count: Int

  /// These, the first in the list outermost.
  public init(_ interceptors: [any CallInterceptor] = []) {
    let all = interceptors.enumerated().map { Listener($0.offset, $0.element) }
    beginning = all.filter { $0.interceptor.interest != .ends }
    ending = all.reversed().filter { $0.interceptor.interest != .begins }
    count = all.count
  }

  /// Tells all that `call` begins, until one refuses it; `told` becomes how many then know of it.
  /// - Throws: `RPCError`, the refusal.
  public func begin(_ call: ServerContext, told: inout Int) throws {
    for listener in beginning {
      told = listener.place + 1
      try listener.interceptor.begins(call)
    }
    told = count
  }

  /// Tells those that were `told` of the call's beginning that it is over, the last in the list first.
  public func end(_ call: CallSummary, told: Int) {
    for listener in ending where listener.place < told { listener.interceptor.ended(call) }
  }
}
