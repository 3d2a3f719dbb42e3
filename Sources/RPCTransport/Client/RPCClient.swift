public import NIOCore
public import RPCCore
import NIOPosix

/// A gRPC client of one server, over TCP. It connects when the first call is made, and again when the connection is
/// lost. All calls share one connection and one event loop.
///
/// Calls fail with UNAVAILABLE where there is no connection and none can be made, unless their options say
/// `waitForReady`.
public final class RPCClient: ClientTransport {
  private let configuration: ClientConfiguration
  private let executor: LoopExecutor
  private let subchannel: Subchannel

  /// A client of the server on `host`, a name or an address, and `port`.
  /// - Throws: `ClientTLS.Failure` for certificates or keys that cannot be used.
  public init(
    host: String, port: Int, configuration: ClientConfiguration = ClientConfiguration(),
    eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
  ) throws {
    self.configuration = configuration
    executor = LoopExecutor(eventLoop) { .now }
    subchannel = Subchannel(
      try Connector(host: host, port: port, configuration, executor), configuration, executor)
  }

  deinit {
    // Calls that have reached a connection go on; it closes when they are over.
    executor.perform { [subchannel] in subchannel.close {} }
  }

  /// Opens a call.
  public func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    let call = SocketCall(method, options, configuration, executor)
    executor.perform { [subchannel] in subchannel.start(call) }
    return call
  }

  /// Takes no more calls, lets those that run finish for at most `grace`, then ends them with UNAVAILABLE. Returns when
  /// all connections are closed.
  public func close(grace: Duration = .seconds(5)) async {
    await withCheckedContinuation { (closed: CheckedContinuation<Void, Never>) in
      executor.perform { [subchannel, executor] in
        let timer = executor.eventLoop.scheduleTask(in: TimeAmount(grace)) { subchannel.abandon() }
        subchannel.close {
          timer.cancel()
          closed.resume()
        }
      }
    }
  }
}
