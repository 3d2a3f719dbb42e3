import HTTP2
import NIOCore
import NIOPosix
import RPCTestSupport

/// A client that says frame by frame what a test has it say, however little sense that makes. By itself it only
/// acknowledges SETTINGS and PINGs, if it is to.
final class FrameClient: Sendable {
  struct Options: Sendable {
    var acknowledgesSettings = true
    var answersPings = true
    /// Whether it reads at all.
    var reads = true
    /// Whether it closes when the server has said its last.
    var closesInTurn = true
    /// What comes before anything else.
    var greeting = Frame.preface + Frame.settings().bytes
  }

  struct Seen: Sendable {
    var frames: [Frame] = []
    /// The server says no more.
    var isOver = false
    var isClosed = false

    var goAways: [GoAway] { frames.compactMap(\.goAway) }
    /// PINGs of the server's own.
    var pings: [Frame] { frames.filter { $0.type == .ping && $0.flags == 0 } }
    var pingAcks: Int { frames.count { $0.type == .ping && $0.flags == Frame.acknowledgement } }

    func isEnded(_ stream: UInt32) -> Bool {
      frames.contains {
        $0.stream == stream && ($0.type == .headers || $0.type == .data) && $0.flags & Frame.endOfStream != 0
      }
    }
  }

  private let channel: any Channel
  let seen: Observed<Seen>

  private init(_ channel: any Channel, _ seen: Observed<Seen>) {
    self.channel = channel
    self.seen = seen
  }

  /// Connects. `prepare` adds what stands between the socket and HTTP/2.
  static func connect(
    to address: SocketAddress, _ options: Options = Options(),
    _ prepare: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void = { _ in }
  ) async throws -> FrameClient {
    let seen = Observed(Seen())
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.autoRead, value: options.reads)
      .channelOption(.allowRemoteHalfClosure, value: !options.closesInTurn)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try prepare(channel.pipeline.syncOperations)
          try channel.pipeline.syncOperations.addHandler(FrameReader(seen, options))
        }
      }
      .connect(to: address).get()
    return FrameClient(channel, seen)
  }

  func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

  func send(_ frames: Frame...) { send(frames.flatMap(\.bytes)) }

  /// Makes a whole call of an empty message on `stream`.
  func call(_ path: String, stream: UInt32) async throws {
    send(.headers(path, stream: stream), .lastMessage(stream: stream))
    try await seen.wait { $0.isEnded(stream) || $0.isClosed }
  }

  /// Opens a call on `stream` that goes on; the server has it when this returns.
  func open(_ path: String, stream: UInt32) async throws {
    // Its acknowledgement of the server's SETTINGS goes before.
    let count = try await seen.wait { !$0.frames.isEmpty }.pingAcks
    send(.headers(path, stream: stream), .ping)
    try await seen.wait { $0.pingAcks > count || $0.isClosed }
  }

  func close() async {
    // That fails only where the server was faster.
    try? await channel.close()
  }
}

/// Cuts what comes into frames.
private final class FrameReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let seen: Observed<FrameClient.Seen>
  private let options: FrameClient.Options
  private var unread = ByteBuffer()

  init(_ seen: Observed<FrameClient.Seen>, _ options: FrameClient.Options) {
    self.seen = seen
    self.options = options
  }

  func channelActive(context: ChannelHandlerContext) { send(options.greeting, context) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    unread.writeBuffer(&bytes)
    while let frame = nextFrame() {
      if frame.flags & Frame.acknowledgement == 0 {
        if frame.type == .settings, options.acknowledgesSettings {
          send(Frame(type: .settings, flags: Frame.acknowledgement).bytes, context)
        }
        if frame.type == .ping, options.answersPings {
          send(Frame(type: .ping, flags: Frame.acknowledgement, payload: frame.payload).bytes, context)
        }
      }
      seen.update { $0.frames.append(frame) }
    }
    unread.discardReadBytes()
  }

  private func nextFrame() -> Frame? {
    var rest = unread
    guard let high = rest.readInteger(as: UInt8.self), let low = rest.readInteger(as: UInt16.self),
      let type = rest.readInteger(as: UInt8.self), let flags = rest.readInteger(as: UInt8.self),
      let stream = rest.readInteger(as: UInt32.self), let payload = rest.readBytes(length: Int(high) << 16 | Int(low))
    else { return nil }
    unread = rest
    return Frame(type: FrameType(rawValue: type), flags: flags, stream: stream, payload: payload)
  }

  private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { seen.update { $0.isOver = true } }
  }

  func channelInactive(context: ChannelHandlerContext) {
    seen.update {
      $0.isOver = true
      $0.isClosed = true
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
