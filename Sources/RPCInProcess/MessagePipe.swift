import RPCCore
import Synchronization

/// One direction of a call: messages in order from one writer to one reader, of which at most `messagesMax` wait
/// before the writer is told to.
final class MessagePipe: Sendable {
  private typealias Reader = CheckedContinuation<FramedMessage?, any Error>
  private typealias Writer = CheckedContinuation<Void, any Error>

  private struct State {
    var messages: [FramedMessage] = []
    var ending: Ending?
    var reader: Reader?
    var writer: Writer?

    mutating func takeReader() -> Reader? {
      defer { reader = nil }
      return reader
    }

    mutating func takeWriter() -> Writer? {
      defer { writer = nil }
      return writer
    }

    /// What `reader` gets now, nil if it waits; and the writer who has room again for it.
    mutating func read(_ reader: Reader, messagesMax: Int) -> (Result<FramedMessage?, any Error>?, Writer?) {
      if !messages.isEmpty {
        let message = messages.removeFirst()
        return (.success(message), messages.count < messagesMax ? takeWriter() : nil)
      }
      if let ending { return (ending.reader.map { .failure($0) } ?? .success(nil), nil) }
      if Task.isCancelled { return (.failure(RPCError.cancelled), nil) }
      if self.reader != nil { return (.failure(RPCError.secondWaiter), nil) }
      self.reader = reader
      return (nil, nil)
    }
  }

  /// What the two ends find once nothing more goes through.
  struct Ending: Sendable {
    /// For the reader, after the messages that wait; nil for an end without error.
    let reader: RPCError?
    /// For the writer, at once; nil lets it write into the void.
    let writer: RPCError?
  }

  private let messagesMax: Int
  private let state = Mutex(State())

  init(messagesMax: Int) { self.messagesMax = messagesMax }

  /// Hands a message over. False when the writer should wait for room before the next.
  func put(_ message: FramedMessage) throws -> Bool {
    let (reader, hasRoom) = try state.withLock { state in
      if let ending = state.ending {
        if let error = ending.writer { throw error }
        return (Reader?.none, true)
      }
      if let reader = state.takeReader() { return (reader, true) }
      state.messages.append(message)
      return (nil, state.messages.count < messagesMax)
    }
    reader?.resume(returning: message)
    return hasRoom
  }

  /// Returns once the reader has taken enough, or nobody reads any more.
  func waitForRoom() async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { writer in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if let ending = state.ending { return ending.writer.map { .failure($0) } ?? .success(()) }
          if state.messages.count < messagesMax { return .success(()) }
          if Task.isCancelled { return .failure(RPCError.cancelled) }
          if state.writer != nil { return .failure(RPCError.secondWaiter) }
          state.writer = writer
          return nil
        }
        if let outcome { writer.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0.takeWriter() }?.resume(throwing: RPCError.cancelled)
    }
  }

  /// The next message; nil after the last.
  func next() async throws -> FramedMessage? {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { reader in
        let (outcome, writer) = state.withLock { $0.read(reader, messagesMax: messagesMax) }
        writer?.resume()
        if let outcome { reader.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0.takeReader() }?.resume(throwing: RPCError.cancelled)
    }
  }

  /// The writer has no more; what waits is still to be read.
  func finish() { end(Ending(reader: nil, writer: nil), dropping: false, unlessEnded: true) }

  /// Nothing more goes through; with `dropping`, not even what waits.
  func end(_ ending: Ending, dropping: Bool) { end(ending, dropping: dropping, unlessEnded: false) }

  private func end(_ ending: Ending, dropping: Bool, unlessEnded: Bool) {
    let (reader, writer) = state.withLock { state in
      // Whoever waited was told when it ended.
      if unlessEnded, state.ending != nil {
        return (Reader?.none, Writer?.none)
      }
      state.ending = ending
      if dropping { state.messages = [] }
      return (state.takeReader(), state.takeWriter())
    }
    reader?.resume(with: ending.reader.map { .failure($0) } ?? .success(nil))
    writer?.resume(with: ending.writer.map { .failure($0) } ?? .success(()))
  }
}

extension RPCError {
  static let cancelled = RPCError(.cancelled, "the call was cancelled")

  // Messages would come to its tasks in no order that they could know.
  fileprivate static let secondWaiter = RPCError(
    .internal, "two tasks take a call's messages, or send them, at the same time")
}
