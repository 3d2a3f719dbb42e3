/// Something that concerns calls of every method alike: logs, metrics, access, tracing.
///
/// An interceptor says once for each method what it does for its calls, so that what is the same for all of them,
/// such as the role that the method needs or its counters, is looked up once and not call after call.
public protocol ServerInterceptor: Sendable {
  /// What it does for the calls of `method`, or nil for nothing. `method` is nil for calls that no method has.
  /// Asked once per method, when the server is made.
  func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)?
}

/// What one interceptor does for the calls of one method; a class, so that a call borrows it. Its functions run on the
/// call's event loop and must not block. They are plain functions around the call rather than links of an asynchronous
/// chain: a chain costs every call a suspended frame for each of its links.
public protocol CallInterceptor: AnyObject, Sendable {
  /// Which of its functions do something.
  var interest: CallInterest { get }

  /// The headers of a call came in. What is thrown ends the call before its message is looked at; interceptors
  /// further down the list hear neither of its beginning nor of its end.
  /// - Throws: `RPCError`, which the caller gets.
  func begins(_ call: ServerContext) throws

  /// The call is over: its status is on the way, or its caller left. Called once for each call that `begins` was called
  /// for, what it threw included.
  func ended(_ call: CallSummary)
}

/// A call interceptor that hears of each message, too.
public protocol MessageInterceptor: CallInterceptor {
  /// A message came in, whole.
  func received(_ call: ServerContext)

  /// Messages were handed over to be sent.
  func sent(_ count: Int, _ call: ServerContext)
}

/// Which ends of a call an interceptor does something at.
public enum CallInterest: Sendable, Hashable {
  /// As it begins.
  case begins
  /// When it is over.
  case ends
  /// Both.
  case both
}

extension CallInterceptor {
  /// Both.
  public var interest: CallInterest { .both }
  /// Nothing.
  public func begins(_ call: ServerContext) throws {}
  /// Nothing.
  public func ended(_ call: CallSummary) {}
}

/// How a call went.
public struct CallSummary: Sendable {
  /// The call, with what interceptors found out about it.
  public let call: ServerContext
  /// From the request's headers to the status.
  public let duration: Duration
  /// Nil for OK.
  public let error: RPCError?

  /// A call that is over.
  public init(_ call: ServerContext, duration: Duration, error: RPCError?) {
    self.call = call
    self.duration = duration
    self.error = error
  }

  /// The code of the status.
  public var code: StatusCode { error?.code ?? .ok }
}
