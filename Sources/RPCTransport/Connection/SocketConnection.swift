import HTTP2
import NIOCore

/// An HTTP/2 connection whose bytes go through a channel, as a server's or a client's end of it. Lives on its event
/// loop.
class SocketConnection: HTTP2Connection {
  /// How much may wait to be sent.
  struct SendBounds {
    var streamBytesMax: Int
    var connectionBytesMax: Int
  }

  let executor: LoopExecutor
  private let sendBounds: SendBounds
  // From the handler's adding to the channel's end.
  @exclusivity(unchecked) fileprivate(set) var handler: ConnectionHandler?
  @exclusivity(unchecked) private var roomWaiters: [any RoomWaiter] = []
  // Whether the end of the loop's turn will flush. Kept here, since each call asks several times.
  @exclusivity(unchecked) fileprivate final var willFlush = false

  init(_ role: Role, settings: HTTP2Settings, sendBounds: SendBounds, executor: LoopExecutor) throws {
    self.executor = executor
    self.sendBounds = sendBounds
    try super.init(role, settings: settings)
  }

  // MARK: For subclasses

  /// The channel is there; output goes out from now on.
  func attached(to channel: any Channel) {}

  /// Bytes came in and were taken.
  func received() {}

  /// What came in ends the connection.
  func receiveFailed(_ error: any Error) { close() }

  /// Neither end has anything more to say.
  func finished() { close() }

  /// The channel is gone; all streams are over.
  func detached() {}

  // MARK: Output

  /// Has the output sent at the end of the loop's turn.
  final func hasOutput() {
    if !willFlush { handler?.flushLater() }
  }

  /// Sends what can be sent, then closes with whatever is left open.
  final func close() { handler?.close() }

  /// Sends what can be sent, ends all streams, and takes nothing in any more, but leaves the peer the time to read why.
  /// To be followed by `close` after a while.
  final func leave() { handler?.leave() }

  /// Whether the peer takes what is sent to it, at the level of the socket.
  final var isWritable: Bool { handler?.isWritable ?? false }

  /// Whether `stream` may have more waiting. One with nothing waiting may always send one message, so that those
  /// whose peer does not read hold up none of the others.
  final func hasRoom(for stream: HTTP2Stream) -> Bool {
    stream.unsentBytes == 0
      || stream.unsentBytes < sendBounds.streamBytesMax && unsentBytes < sendBounds.connectionBytesMax
  }

  /// Has `waiter` told whenever something was sent, until it is content.
  final func tellOfRoom(_ waiter: any RoomWaiter) { roomWaiters.append(waiter) }

  fileprivate func flushed() {
    if !roomWaiters.isEmpty { roomWaiters.removeAll { $0.offerRoom() } }
  }

  fileprivate func lose() {
    handler = nil
    abandonStreams()
    roomWaiters = []
    detached()
  }
}

/// A stream whose sender waits for room.
protocol RoomWaiter: AnyObject {
  /// Something was sent. False if it must wait longer.
  func offerRoom() -> Bool
}

/// Moves bytes between a channel and its HTTP/2 connection.
final class ConnectionHandler: ChannelInboundHandler, Flushable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  // One write to the channel; more than this is written in several.
  private static let writeBytesMax = 128 << 10

  private let connection: SocketConnection
  private let executor: LoopExecutor
  // Between `handlerAdded` and the channel's end.
  @exclusivity(unchecked) private var context: ChannelHandlerContext?
  @exclusivity(unchecked) private var isLeaving = false
  @exclusivity(unchecked) private var isFinished = false
  @exclusivity(unchecked) private var lastWriteBytes = 1024

  init(_ connection: SocketConnection) {
    self.connection = connection
    executor = connection.executor
  }

  // MARK: Input

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    connection.handler = self
    connection.attached(to: context.channel)
    flushLater()
  }

  func handlerRemoved(context: ChannelHandlerContext) { lose() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    executor.beginRead()
    let buffer = unwrapInboundIn(data)
    if isLeaving { return }
    // What comes in nearly always has an answer.
    flushLater()
    do {
      try buffer.withUnsafeReadableBytes { try connection.receive($0) }
      connection.received()
    } catch {
      connection.receiveFailed(error)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { executor.runTurn() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { flushLater() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    lose()
    executor.runTurn()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A socket's error is the peer's going; its calls end like those of any lost connection.
    context.close(promise: nil)
  }

  private func lose() {
    guard context != nil else { return }
    context = nil
    connection.lose()
  }

  // MARK: Output

  var isWritable: Bool { context?.channel.isWritable ?? false }

  func flushLater() {
    guard !connection.willFlush else { return }
    connection.willFlush = true
    executor.flushLater(self)
  }

  func close() {
    flush()
    context?.close(promise: nil)
  }

  func leave() {
    guard !isLeaving else { return }
    // Not now: this may be within nghttp2's callback.
    executor.afterTasks { [self] in
      flush()
      connection.abandonStreams()
      guard let context else { return }
      // What the peer still sends stays with it: it may be without end.
      // This fails only for a channel that is closed.
      try? context.channel.syncOptions?.setOption(.autoRead, value: false)
      context.close(mode: .output, promise: nil)
    }
    isLeaving = true
  }

  func flush() {
    connection.willFlush = false
    guard let context else { return }
    do {
      // What the peer does not read stays in the streams, where it is bounded, rather than in the channel.
      while context.channel.isWritable, let output = try nextWrite(context) {
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
      }
    } catch {
      context.close(promise: nil)
      return
    }
    connection.flushed()
    guard connection.isFinished, !isLeaving, !isFinished else { return }
    isFinished = true
    connection.finished()
  }

  private func nextWrite(_ context: ChannelHandlerContext) throws -> ByteBuffer? {
    guard var piece = try connection.nextOutput() else { return nil }
    var buffer = context.channel.allocator.buffer(capacity: max(lastWriteBytes, piece.count))
    var isComplete = false
    while !isComplete {
      // As many pieces at a time as there is room for: each access to a buffer costs more than most pieces.
      let written = buffer.readableBytes
      try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: piece.count) { room in
        var count = 0
        repeat {
          (room.baseAddress.unsafelyUnwrapped + count).copyMemory(
            from: piece.baseAddress.unsafelyUnwrapped, byteCount: piece.count)
          count += piece.count
          guard written + count < Self.writeBytesMax, let next = try connection.nextOutput() else {
            isComplete = true
            return count
          }
          piece = next
        } while room.count - count >= piece.count
        return count
      }
    }
    lastWriteBytes = min(buffer.readableBytes, Self.writeBytesMax)
    return buffer
  }
}
