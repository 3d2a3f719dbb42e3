import NIOCore
import NIOHTTP1

/// One request and its answer.
///
///     reading ──▶ answering ──▶ leaving ──▶ closed
///        └────────────┴─────────────┴────────▲
///
/// `reading` until the request's head is there, and no longer than that: what comes after it is dropped. `answering`
/// until the answer is on its way, `leaving` until the peer has closed its side too: a socket that closes with bytes
/// unread would take from the peer what it has not read yet of the answer.
final class AdminConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Phase {
    case reading, answering, leaving
  }

  // Of a request's content, before its sender is cut off.
  private static let droppedBytesMax = 64 << 10

  private let timeout: TimeAmount
  private let answer: (_ path: String) -> AdminAnswer?
  private let answered: (_ path: String?, _ status: Int) -> Void
  private var phase = Phase.reading
  private var hasPeerFinished = false
  private var droppedBytes = 0
  private var timer: Scheduled<Void>?

  init(
    timeout: TimeAmount, answer: @escaping (_ path: String) -> AdminAnswer?,
    answered: @escaping (_ path: String?, _ status: Int) -> Void
  ) {
    self.timeout = timeout
    self.answer = answer
    self.answered = answered
  }

  /// Has a channel that was accepted speak HTTP/1.1. `answered` is told of each answer: the path of the page, nil where
  /// it is none, and the status.
  static func add(
    to channel: any Channel, _ configuration: AdminConfiguration,
    _ answer: @escaping (_ path: String) -> AdminAnswer?,
    answered: @escaping (_ path: String?, _ status: Int) -> Void
  ) throws {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = configuration.headBytesMax
    limits.maxHeaderListSize = configuration.headBytesMax
    try channel.pipeline.syncOperations.addHandlers(
      // Twice that: what is too long is to be found by the decoder, whose error says what it is.
      ByteToMessageHandler(
        HTTPRequestDecoder(limitConfiguration: limits), maximumBufferSize: 2 * configuration.headBytesMax),
      HTTPResponseEncoder(),
      AdminConnection(timeout: TimeAmount(configuration.timeout), answer: answer, answered: answered))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), phase) {
    case (.head(let head), .reading): answer(head, context)
    case (.body(let bytes), _): drop(bytes.readableBytes, context)
    case (.head, .answering), (.head, .leaving), (.end, _): break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Half a request is an error when the connection closes, with nobody there to tell.
    guard let error = error as? HTTPParserError, context.channel.isActive, phase != .leaving else {
      return context.close(promise: nil)
    }
    // What comes behind a request does not take its answer away.
    guard phase == .reading else { return hasPeerFinished = true }
    let status = error == .headerOverflow ? HTTPResponseStatus.requestHeaderFieldsTooLarge : .badRequest
    send(AdminAnswer(status: Int(status.code), content: "\(status.reasonPhrase)\n"), context)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return }
    hasPeerFinished = true
    if phase != .answering { context.close(promise: nil) }
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard head.method == .GET || head.method == .HEAD else {
      let refusal = AdminAnswer(status: 405, content: "only GET and HEAD are answered\n")
      return send(refusal, context, ["allow": "GET, HEAD"])
    }
    let path = String(head.uri.prefix { $0 != "?" })
    let page = answer(path)
    let answer = page ?? AdminAnswer(status: 404, content: "there is no such page\n")
    send(answer, context, path: page == nil ? nil : path, withContent: head.method == .GET)
  }

  private func send(
    _ answer: AdminAnswer, _ context: ChannelHandlerContext, _ more: HTTPHeaders = [:], path: String? = nil,
    withContent: Bool = true
  ) {
    phase = .answering
    answered(path, answer.status)
    var headers = more
    headers.add(name: "content-type", value: answer.contentType)
    headers.add(name: "content-length", value: "\(answer.content.utf8.count)")
    headers.add(name: "cache-control", value: "no-store")
    headers.add(name: "connection", value: "close")
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if withContent {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.content)))), promise: nil)
    }
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let context = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.value.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
      handler.value.sent(context.value)
    }
  }

  private func sent(_ context: ChannelHandlerContext) {
    phase = .leaving
    if hasPeerFinished { context.close(promise: nil) } else { context.close(mode: .output, promise: nil) }
  }

  private func drop(_ bytes: Int, _ context: ChannelHandlerContext) {
    droppedBytes += bytes
    if droppedBytes > Self.droppedBytesMax { context.close(promise: nil) }
  }
}
