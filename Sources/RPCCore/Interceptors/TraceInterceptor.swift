/// Makes calls part of the trace that their `traceparent` names (W3C Trace Context): each is an operation below the
/// caller's. What is not a traceparent is ignored, as the specification asks.
public final class TraceInterceptor: ServerInterceptor, CallInterceptor {
  /// An interceptor; it needs no settings.
  public init() {}

  /// Itself, for every method.
  public func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? { self }

  /// The beginning.
  public var interest: CallInterest { .begins }

  /// Finds the trace.
  public func begins(_ call: ServerContext) throws {
    guard let text = call.metadata[text: "traceparent"] else { return }
    call.join(TraceContext(traceparent: text)?.child())
  }
}
