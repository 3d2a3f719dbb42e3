/// Makes calls part of the trace that their `traceparent` names (W3C Trace Context): each is an operation below the
/// caller's. What is not a traceparent is ignored, as the specification asks, and so are several of them: its own tests
/// expect that none of them is followed.
public final class TraceInterceptor: ServerInterceptor, CallInterceptor {
  /// An interceptor; it needs no settings.
  public init() {}

  /// Itself, for every method.
  public func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? { self }

  /// The beginning.
  public var interest: CallInterest { .begins }

  /// Finds the trace.
  public func begins(_ call: ServerContext) throws {
    var parent: String?
    for entry in call.metadata.entries where entry.key == "traceparent" {
      guard parent == nil, case .text(let text) = entry.value else { return }
      parent = text
    }
    guard let parent else { return }
    call.join(TraceContext(traceparent: parent)?.child())
  }
}
