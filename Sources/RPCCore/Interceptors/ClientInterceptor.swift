import Synchronization

/// Something that concerns calls to every method alike: tokens, tracing, metrics. Its functions run where the call is
/// made or ends, and must not block.
public protocol ClientInterceptor: Sendable {
  /// A call is about to be made, by the current task. May change its options.
  func begins(_ method: MethodDescriptor, _ options: inout CallOptions)

  /// A call is over, or its caller has left it.
  func ended(_ call: ClientCallSummary)
}

extension ClientInterceptor {
  /// Changes nothing.
  public func begins(_ method: MethodDescriptor, _ options: inout CallOptions) {}
  /// Nothing.
  public func ended(_ call: ClientCallSummary) {}
}

/// How a call went, as its caller saw it.
public struct ClientCallSummary: Sendable {
  /// What was called.
  public let method: MethodDescriptor
  /// The options that the call was made with, after all interceptors.
  public let options: CallOptions
  /// From the call's beginning to its end.
  public let duration: Duration
  /// Nil for OK.
  public let error: RPCError?

  /// A call that is over.
  public init(method: MethodDescriptor, options: CallOptions, duration: Duration, error: RPCError?) {
    self.method = method
    self.options = options
    self.duration = duration
    self.error = error
  }

  /// The code of the status.
  public var code: StatusCode { error?.code ?? .ok }
}

extension ClientTransport {
  /// The same transport with what `interceptors` do around each call: the first in the list sees the options first and
  /// the end last. Around a transport that retries they see a call once; beneath it, every attempt.
  public func intercepted(by interceptors: [any ClientInterceptor]) -> any ClientTransport {
    interceptors.isEmpty ? self : InterceptedTransport(inner: self, interceptors: interceptors)
  }
}

private struct InterceptedTransport: ClientTransport {
  let inner: any ClientTransport
  let interceptors: [any ClientInterceptor]

  func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    let start = MonotonicInstant.now
    var options = options
    for interceptor in interceptors { interceptor.begins(method, &options) }
    return InterceptedCall(inner.open(method, options)) { [options, interceptors] error in
      let summary = ClientCallSummary(method: method, options: options, duration: .now - start, error: error)
      for interceptor in interceptors.reversed() { interceptor.ended(summary) }
    }
  }
}

/// A call whose end is told once: when its caller reads it, cancels the call, or lets go of it.
private final class InterceptedCall: ClientCall {
  private let inner: any ClientCall
  private let ended: Mutex<(@Sendable (RPCError?) -> Void)?>

  init(_ inner: any ClientCall, _ ended: @escaping @Sendable (RPCError?) -> Void) {
    self.inner = inner
    self.ended = Mutex(ended)
  }

  deinit { tell(.abandoned) }

  private func tell(_ error: RPCError?) {
    let ended = ended.withLock { ended in
      defer { ended = nil }
      return ended
    }
    ended?(error)
  }

  private func telling<Result>(_ step: () async throws -> Result) async throws -> Result {
    do {
      return try await step()
    } catch {
      tell(RPCError(answering: error))
      throw error
    }
  }

  var encoding: MessageEncoding { inner.encoding }

  func send(_ frame: FramedMessage) async throws { try await telling { try await inner.send(frame) } }

  func finishSending() async throws { try await telling { try await inner.finishSending() } }

  func nextResponse() async throws -> FramedMessage? {
    let response = try await telling { try await inner.nextResponse() }
    if response == nil { tell(nil) }
    return response
  }

  func cancel() {
    inner.cancel()
    tell(.abandoned)
  }

  var initialMetadata: Metadata? { inner.initialMetadata }
  var trailers: Metadata { inner.trailers }
  var isUnprocessed: Bool { inner.isUnprocessed }
}

extension RPCError {
  fileprivate static let abandoned = RPCError(.cancelled, "the call was cancelled")
}
