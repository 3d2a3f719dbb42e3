public import ProtobufC
public import RPCCore

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

  /// Calls `services`.
  public init(services: [any RPCService], configuration: Configuration = Configuration()) {
    router = Router(services)
    self.configuration = configuration
  }

  /// Opens a call; its handler starts at once, in a task of its own.
  public func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    openInProcess(method, options)
  }

  /// Opens a call that also tells the metadata of its response.
  public func openInProcess(_ method: MethodDescriptor, _ options: CallOptions) -> InProcessCall {
    let call = InProcessCall(configuration)
    var path = method.path
    if let method = path.withUTF8({ router.method(for: UnsafeRawBufferPointer($0)) }) {
      call.start(method, options)
    } else {
      call.refuse(router.refusal(of: method.path))
    }
    return call
  }
}
