import HTTP2
import RPCCore

/// The HTTP/2 stream of one call: header lists and message frames on one side, the call on the other. Lives on its
/// connection's event loop.
///
///     opened ──▶ responding ──▶ over
///        └─────────────────────▶
final class ClientStream: HTTP2Stream, RoomWaiter {
  private enum Phase {
    case opened, responding, over
  }

  private let call: SocketCall
  private let connection: ClientConnection
  @exclusivity(unchecked) private var phase = Phase.opened
  @exclusivity(unchecked) private var head: ResponseHeadReader
  @exclusivity(unchecked) private var deframer: MessageDeframer
  @exclusivity(unchecked) private var unconsumedBytes = 0
  @exclusivity(unchecked) private var hasFinished = false
  @exclusivity(unchecked) private var wasReset = false
  @exclusivity(unchecked) private var waitsForRoom = false

  init(id: Int32, _ call: SocketCall, _ connection: ClientConnection) {
    self.call = call
    self.connection = connection
    head = ResponseHeadReader(listBytesMax: Int(connection.configuration.http2.headerListBytesMax))
    deframer = MessageDeframer(messageBytesMax: connection.configuration.messageBytesMax)
    // Until they are taken they are no larger than what the window lets in.
    deframer.decompresses = false
    super.init(id: id)
  }

  // MARK: The request

  func send(_ frame: FramedMessage) {
    connection.send(frame.bytes, ownedBy: frame.owner, on: self)
    connection.hasOutput()
  }

  func finish() {
    hasFinished = true
    connection.finish(self, trailers: nil)
    connection.hasOutput()
  }

  /// Tells the call once it may send more.
  func askForRoom() {
    guard !waitsForRoom else { return }
    waitsForRoom = true
    if !offerRoom() { connection.tellOfRoom(self) }
  }

  func offerRoom() -> Bool {
    guard connection.hasRoom(for: self) || isClosed else { return false }
    waitsForRoom = false
    call.receivedRoom(max(1, connection.configuration.streamUnsentBytesMax - unsentBytes))
    return true
  }

  /// Ends the stream if the server has not.
  func cancel() {
    guard phase != .over else { return }
    phase = .over
    reset(.cancel)
  }

  private func reset(_ code: HTTP2ErrorCode) {
    guard !wasReset else { return }
    wasReset = true
    connection.reset(self, code)
    connection.hasOutput()
  }

  // MARK: The response

  override func receivedField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    if phase != .over { head.receive(name, value) }
  }

  override func receivedFields(isEnd: Bool) {
    guard phase != .over else { return }
    switch head.finish() {
    case .informational: break
    case .response(let metadata, let encoding):
      phase = .responding
      deframer.encoding = encoding
      call.receivedHeaders(metadata, encoding)
    case .end(let error, let trailers):
      let isCut = error == nil && !deframer.isAtBoundary
      end(isCut ? RPCError(.internal, "the response ends inside a message") : error, trailers)
      // A server that said how the call ended must not go on.
      if !isEnd { reset(.protocolError) }
    case .refusal(let error): call.end(with: error, dropping: false)
    }
  }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.consumeOnConnection(bytes.count)
    // Only a server that goes on after it has said how the call ended sends more.
    guard phase == .responding else { return reset(.cancel) }
    unconsumedBytes += bytes.count
    do {
      try deframer.receive(bytes) { message, isCompressed in
        call.receivedMessage(
          FramedMessage(payloadBytes: message.count, isCompressed: isCompressed) { target in
            if let base = message.baseAddress { target.copyMemory(from: base, byteCount: message.count) }
          })
      }
    } catch let failure as MessageDeframer.Failure {
      return call.end(with: failure.rpcError, dropping: false)
    } catch {
      return call.end(with: RPCError(answering: error), dropping: false)
    }
    returnWindow()
  }

  /// Lets the server send again what was taken.
  func returnWindow() {
    let bytes = call.bytesToReturn(of: unconsumedBytes)
    guard bytes > 0 else { return }
    unconsumedBytes -= bytes
    connection.consume(bytes, on: self)
    connection.hasOutput()
  }

  override func receivedEnd() {
    end(RPCError(.unknown, "the response ended without a status"), Metadata())
    // A server may end a call before it has all of it; what is left is then not wanted.
    if !hasFinished { reset(.noError) }
  }

  override func closed(_ code: HTTP2ErrorCode) {
    let error = connection.failure ?? head.excess ?? resetError(code)
    end(error, Metadata(), isUnprocessed: code == .refusedStream)
    connection.streamClosed()
  }

  private func end(_ error: RPCError?, _ trailers: Metadata, isUnprocessed: Bool = false) {
    guard phase != .over else { return }
    phase = .over
    call.receivedEnd(error, trailers: trailers, isUnprocessed: isUnprocessed)
  }

  // A server with the same deadline may have been quicker to act on it.
  private func resetError(_ code: HTTP2ErrorCode) -> RPCError {
    if code == .cancel, let left = call.timeLeft, left <= .zero { return .deadlineExceeded }
    return RPCError(resetWith: code)
  }
}
