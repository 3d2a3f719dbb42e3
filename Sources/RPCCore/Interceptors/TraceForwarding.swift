/// Makes calls part of the trace that their task works for: each goes out as a child of `TraceContext.current`
/// (W3C Trace Context). Calls of a task without a trace, and those that have a `traceparent` already, stay as they are.
public struct TraceForwarding: ClientInterceptor {
  /// Forwards traces.
  public init() {}

  /// Adds the `traceparent`.
  public func begins(_ method: MethodDescriptor, _ options: inout CallOptions) {
    guard let trace = TraceContext.current, options.metadata[text: "traceparent"] == nil else { return }
    options.metadata.add("traceparent", trace.child().traceparent)
  }
}
