public import ProtobufC
public import RPCCore
import Synchronization

/// Calls services in the same process, without sockets: the same kinds of calls, metadata, deadlines, cancellation,
/// back-pressure and errors as over a network. Messages are encoded and decoded as they would be there.
public struct InProcessTransport: ClientTransport {
  /// The limits of its calls.
  public struct Configuration: Sendable {
    /// Bytes of one request message.
    public var messageBytesMax = 4 << 20
    /// Messages that wait in one direction of a call before its writer must wait.
    public var messagesMax = 16
    /// What decoding one request may take.
    public var decodeLimits = DecodeLimits()
    /// What deadlines go by.
    public var clock: any Clock<Duration> = ContinuousClock()

    /// The defaults.
    public init() {}
  }

  private let router: Router
  private let configuration: Configuration
  private let callers = Callers()

  // All calls come from one peer.
  private final class Callers: Sendable {
    let peer = Peer(address: "in-process")
    let connection = CallID.Connection()
    let calls = Atomic<Int32>(0)
  }

  /// Calls `services`, with what `interceptors` do around each call.
  public init(
    services: [any RPCService], interceptors: [any ServerInterceptor] = [],
    configuration: Configuration = Configuration()
  ) {
    router = Router(services, interceptors: interceptors)
    self.configuration = configuration
  }

  /// Opens a call; its handler starts at once, in a task of its own.
  public func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    var path = method.path
    let target = path.withUTF8 { router.method(for: UnsafeRawBufferPointer($0)) }
    let context = context(target?.descriptor ?? method, options)
    let call = InProcessCall(configuration, context, (target ?? router.unknownMethod).interceptors)
    if let target {
      call.start(target, timeout: options.timeout)
    } else {
      call.refuse(router.refusal(of: method.path))
    }
    return call
  }

  private func context(_ method: MethodDescriptor, _ options: CallOptions) -> ServerContext {
    let (metadata, authorization) = options.metadata.separatingAuthorization
    let number = callers.calls.add(1, ordering: .relaxed).newValue
    return ServerContext(
      method: method, timeout: options.timeout, metadata: metadata, peer: callers.peer,
      id: CallID(connection: callers.connection, stream: number),
      credentials: authorization.map { Credentials(authorization: $0.utf8) })
  }
}
