/// Hears of every call that ended, for logs and metrics.
public struct ClientCallObserver: ClientInterceptor {
  private let observe: @Sendable (ClientCallSummary) -> Void

  /// Calls `observe` at the end of every call, on whatever thread that is.
  public init(_ observe: @escaping @Sendable (ClientCallSummary) -> Void) { self.observe = observe }

  /// Tells of the call.
  public func ended(_ call: ClientCallSummary) { observe(call) }
}
