import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
import Synchronization

/// Fails its first call with UNAVAILABLE once a request came, and answers the next at the end of the requests.
final class LosingTransport: ClientTransport {
  private let opened = Mutex<[RecordedCall]>([])
  private let isHoldingBack: Bool

  /// Where it holds back, the first call has room for no request.
  init(isHoldingBack: Bool = false) { self.isHoldingBack = isHoldingBack }

  /// The calls so far.
  var calls: [RecordedCall] { opened.withLock { $0 } }

  func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    opened.withLock { calls in
      let call = RecordedCall(isLost: calls.isEmpty, isHoldingBack: isHoldingBack && calls.isEmpty)
      calls.append(call)
      return call
    }
  }
}

/// A call of a `LosingTransport`. It takes requests in next to no time, and those that come until its reader is there to
/// learn of the loss: both directions of a caller then meet as closely as they can.
final class RecordedCall: ClientCall {
  private struct State {
    var received: [FramedMessage] = []
    // After how many requests each end came.
    var ends: [Int] = []
    var error: RPCError?
    var reader: CheckedContinuation<Void, Never>?
    var writer: CheckedContinuation<Void, any Error>?
  }

  private let isLost: Bool
  private let isHoldingBack: Bool
  private let state = Mutex(State())

  fileprivate init(isLost: Bool, isHoldingBack: Bool) {
    self.isLost = isLost
    self.isHoldingBack = isHoldingBack
  }

  /// The texts that came, in order.
  var requests: [String] {
    get throws { try state.withLock { $0.received }.map { try $0.withPayload { try Text(decoding: $0) }.value } }
  }

  /// After how many requests each end came.
  var ends: [Int] { state.withLock { $0.ends } }

  // MARK: The caller's end

  let encoding = MessageEncoding.identity

  func send(_ frame: FramedMessage) async throws {
    try receive { $0.received.append(frame) }
    guard isHoldingBack else { return }
    try await withCheckedThrowingContinuation { (writer: CheckedContinuation<Void, any Error>) in
      state.withLock { state in
        if let error = state.error { return writer.resume(throwing: error) }
        state.writer = writer
      }
    }
  }

  func finishSending() async throws { try receive { $0.ends.append($0.received.count) } }

  private func receive(_ change: (inout State) -> Void) throws {
    try state.withLock { state in
      if let error = state.error { throw error }
      change(&state)
      if isDone(state) { state.reader.take()?.resume() }
    }
  }

  private func isDone(_ state: State) -> Bool { isLost ? !state.received.isEmpty : !state.ends.isEmpty }

  func nextResponse() async throws -> FramedMessage? {
    await withCheckedContinuation { (reader: CheckedContinuation<Void, Never>) in
      state.withLock { state in
        if state.error != nil || isDone(state) { return reader.resume() }
        state.reader = reader
      }
    }
    if isLost { end(RPCError(.unavailable, "lost")) }
    if let error = state.withLock({ $0.error }) { throw error }
    return try .framing(Text("answered"))
  }

  func cancel() { end(RPCError(.cancelled, "cancelled")) }

  private func end(_ error: RPCError) {
    state.withLock { state in
      state.error = state.error ?? error
      state.reader.take()?.resume()
      state.writer.take()?.resume(throwing: error)
    }
  }

  var initialMetadata: Metadata? { nil }
  var trailers: Metadata { Metadata() }
  var isUnprocessed: Bool { false }
}
