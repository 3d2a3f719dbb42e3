import RPCCore
import Synchronization

/// One direction of a call: messages in order from one writer to one reader, of which at most `messagesMax` wait
/// before the writer is told to.
final class MessagePipe: Sendable {
  private struct State {
    var messages: [FramedMessage] = []
    var ending: Ending?
    var reader: CheckedContinuation<FramedMessage?, any Error>?
    var writer: CheckedContinuation<Void, any Error>?
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
        return (CheckedContinuation<FramedMessage?, any Error>?.none, true)
      }
      if let reader = state.reader {
        state.reader = nil
        return (reader, true)
      }
      state.messages.append(message)
      return (nil, state.messages.count < messagesMax)
    }
    reader?.resume(returning: message)
    return hasRoom
  }

  /// Returns once the reader has taken enough, or nobody reads any more.
  func waitForRoom() async throws {
    try await withCheckedThrowingContinuation { writer in
      let outcome = state.withLock { state -> Result<Void, any Error>? in
        if let ending = state.ending { return ending.writer.map { .failure($0) } ?? .success(()) }
        if state.messages.count < messagesMax { return .success(()) }
        state.writer = writer
        return nil
      }
      if let outcome { writer.resume(with: outcome) }
    }
  }

  /// The next message; nil after the last.
  func next() async throws -> FramedMessage? {
    try await withCheckedThrowingContinuation { reader in
      let (outcome, writer) = state.withLock { state in
        if !state.messages.isEmpty {
          let message = state.messages.removeFirst()
          let writer = state.messages.count < messagesMax ? state.writer : nil
          if writer != nil { state.writer = nil }
          return (Result<FramedMessage?, any Error>?.some(.success(message)), writer)
        }
        if let ending = state.ending { return (ending.reader.map { .failure($0) } ?? .success(nil), nil) }
        state.reader = reader
        return (nil, nil)
      }
      writer?.resume()
      if let outcome { reader.resume(with: outcome) }
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
        return (CheckedContinuation<FramedMessage?, any Error>?.none, CheckedContinuation<Void, any Error>?.none)
      }
      state.ending = ending
      if dropping { state.messages = [] }
      defer {
        state.reader = nil
        state.writer = nil
      }
      return (state.reader, state.writer)
    }
    reader?.resume(with: ending.reader.map { .failure($0) } ?? .success(nil))
    writer?.resume(with: ending.writer.map { .failure($0) } ?? .success(()))
  }
}
