import NIOCore
import RPCCore
import Synchronization

/// One call over a socket: its caller on any thread on one side, its HTTP/2 stream on the event loop on the other.
///
///     waiting ──▶ streaming ──▶ over
///        └─────────────────────▶
///
/// `waiting` for a connection, then `streaming` on one. What both sides touch is locked; the rest is confined to the
/// loop, hence the unchecked conformance.
final class SocketCall: ClientCall, @unchecked Sendable {
  private enum Phase {
    case waiting(requests: [FramedMessage], isFinished: Bool)
    case streaming(ClientStream)
    case over
  }

  let method: MethodDescriptor
  let options: CallOptions
  private let deadline: NIODeadline?
  private let messageBytesMax: Int
  private let executor: LoopExecutor
  private let exchange: Mutex<CallExchange>

  // On the loop.
  @exclusivity(unchecked) private var phase = Phase.waiting(requests: [], isFinished: false)
  @exclusivity(unchecked) private var timer: Scheduled<Void>?
  // Where the call waits.
  @exclusivity(unchecked) private weak var queue: (any CallQueue)?

  init(
    _ method: MethodDescriptor, _ options: CallOptions, _ configuration: ClientConfiguration, _ executor: LoopExecutor
  ) {
    self.method = method
    self.options = options
    messageBytesMax = configuration.messageBytesMax
    self.executor = executor
    deadline = options.timeout.map { .now() + TimeAmount($0) }
    exchange = Mutex(
      CallExchange(
        unsentBytesMax: configuration.streamUnsentBytesMax, windowBytes: Int(configuration.http2.streamWindowBytes)))
  }

  // MARK: The caller's side

  var encoding: MessageEncoding { options.compression }

  func send(_ frame: FramedMessage) async throws {
    guard let hasRoom = try exchange.withLock({ try $0.send(frame.count) }) else { return }
    executor.perform { self.write(frame) }
    if !hasRoom { try await waitForRoom() }
  }

  private func waitForRoom() async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { writer in
        exchange.withLock { $0.waitForRoom(writer) }
        executor.perform { self.askForRoom() }
      }
    } onCancel: {
      cancel()
    }
  }

  func finishSending() async throws {
    try exchange.withLock { try $0.throwIfFailed() }
    executor.perform { self.finish() }
  }

  func nextResponse() async throws -> FramedMessage? {
    if let (next, returnsWindow) = exchange.withLock({ $0.takeResponse() }) {
      if returnsWindow { executor.perform { self.returnWindow() } }
      return try decompressed(next.get())
    }
    let next = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { reader in exchange.withLock { $0.waitForResponse(reader) } }
    } onCancel: {
      cancel()
    }
    return try decompressed(next)
  }

  private func decompressed(_ message: FramedMessage?) throws -> FramedMessage? {
    guard let message, message.isCompressed else { return message }
    do {
      let encoding = exchange.withLock { $0.encoding }
      return try message.withPayload { payload in
        try encoding.withDecompressed(payload, bytesMax: messageBytesMax) {
          FramedMessage(copying: $0, wasCompressed: true)
        }
      }
    } catch let error as DecompressionError {
      end(with: error.rpcError, dropping: true)
      throw error.rpcError
    }
  }

  func cancel() { end(with: .cancelled, dropping: true) }

  var initialMetadata: Metadata? { exchange.withLock { $0.initialMetadata } }
  var trailers: Metadata { exchange.withLock { $0.trailers } }
  var isUnprocessed: Bool { exchange.withLock { $0.isUnprocessed } }

  /// Ends the call unless it is over; with `dropping`, before the responses that wait are read.
  func end(with error: RPCError, dropping: Bool, isUnprocessed: Bool = false) {
    exchange.withLock { exchange in
      exchange.end(error, trailers: error.trailers, dropping: dropping, isUnprocessed: isUnprocessed)
    }
    executor.perform { self.leave() }
  }

  // MARK: On the loop

  /// Waits in `queue` from now on, at most until the deadline.
  func wait(in queue: any CallQueue) {
    guard case .waiting = phase else { return }
    self.queue = queue
    guard let deadline, timer == nil else { return }
    if deadline <= .now() {
      end(with: .deadlineExceeded, dropping: true)
    } else {
      timer = executor.eventLoop.scheduleTask(deadline: deadline) { [weak self] in
        self?.end(with: .deadlineExceeded, dropping: true)
      }
    }
  }

  /// Whether it still waits for a connection.
  var isWaiting: Bool {
    if case .waiting = phase { true } else { false }
  }

  /// What is left until the deadline; nil without one.
  var timeLeft: Duration? { deadline.map { .nanoseconds(($0 - .now()).nanoseconds) } }

  /// The call has a stream, which gets what was sent so far.
  func start(on stream: ClientStream) {
    guard case .waiting(let requests, let isFinished) = phase else { return }
    phase = .streaming(stream)
    for request in requests { stream.send(request) }
    if isFinished { stream.finish() }
    if !requests.isEmpty { askForRoom() }
  }

  private func write(_ frame: FramedMessage) {
    switch phase {
    case .waiting(var requests, let isFinished):
      // Not two owners of the array while it grows.
      phase = .over
      requests.append(frame)
      phase = .waiting(requests: requests, isFinished: isFinished)
    case .streaming(let stream): stream.send(frame)
    case .over: break
    }
  }

  private func finish() {
    switch phase {
    case .waiting(let requests, _): phase = .waiting(requests: requests, isFinished: true)
    case .streaming(let stream): stream.finish()
    case .over: break
    }
  }

  // A call without a connection has room once it has one.
  private func askForRoom() {
    if case .streaming(let stream) = phase { stream.askForRoom() }
  }

  /// The stream has room for `bytes` more. False if nobody waits for it.
  func receivedRoom(_ bytes: Int) { exchange.withLock { $0.receivedRoom(bytes) } }

  func receivedHeaders(_ metadata: Metadata, _ encoding: MessageEncoding) {
    exchange.withLock { exchange in
      exchange.initialMetadata = metadata
      exchange.encoding = encoding
    }
  }

  func receivedMessage(_ message: FramedMessage) { exchange.withLock { $0.receivedMessage(message) } }

  /// The server ended the call: with OK where there is no error.
  func receivedEnd(_ error: RPCError?, trailers: Metadata, isUnprocessed: Bool = false) {
    exchange.withLock { $0.end(error, trailers: trailers, dropping: false, isUnprocessed: isUnprocessed) }
    leave()
  }

  /// How much of `unconsumed` bytes the server may send again.
  func bytesToReturn(of unconsumed: Int) -> Int { exchange.withLock { $0.bytesToReturn(of: unconsumed) } }

  private func returnWindow() {
    if case .streaming(let stream) = phase { stream.returnWindow() }
  }

  private func leave() {
    let before = phase
    phase = .over
    timer.takeValue()?.cancel()
    switch before {
    case .waiting: queue?.abandoned()
    case .streaming(let stream): stream.cancel()
    case .over: break
    }
  }
}

/// Where calls wait for a connection.
protocol CallQueue: AnyObject {
  /// A call that waited is over.
  func abandoned()
}
