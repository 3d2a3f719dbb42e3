import RPCCore
import RPCTestSupport
@testable import RPCTransport
import Testing

@Suite struct IncomingMessagesTests {
  /// A message of which only the size matters.
  private func message(_ payloadBytes: Int) -> FramedMessage {
    FramedMessage(payloadBytes: payloadBytes) {
      UnsafeMutableRawBufferPointer(start: $0, count: payloadBytes).initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  /// What a reader gets if it comes and then `change` happens.
  private func read(
    _ messages: inout IncomingMessages, then change: (inout IncomingMessages) -> Void = { _ in }
  ) async throws -> Int? {
    let reader = StreamWaiter<FramedMessage?>()
    let frame = try await withCheckedThrowingContinuation { continuation in
      #expect(reader.begin(continuation))
      messages.take(reader)
      change(&messages)
    }
    return frame.map { $0.count - FramedMessage.prefixBytes }
  }

  @Test func messagesAreTakenInOrderAndThenTheEnd() async throws {
    var messages = IncomingMessages()
    for bytes in 1...3 { messages.append(message(bytes)) }
    messages.finish()
    for bytes in 1...3 { #expect(try await read(&messages) == bytes) }
    for _ in 0..<2 { #expect(try await read(&messages) == nil) }
  }

  @Test func aReaderThatWaitsGetsWhatComes() async throws {
    var messages = IncomingMessages()
    #expect(try await read(&messages) { $0.append(message(1)) } == 1)
    #expect(messages.waitingBytes == 0)
    #expect(try await read(&messages) { $0.finish() } == nil)
  }

  @Test func aFailureReachesTheReaderAndDropsWhatWaits() async throws {
    var messages = IncomingMessages()
    let error = await rpcError { try await read(&messages) { $0.fail(RPCError(.cancelled, "gone")) } }
    #expect(error?.message == "gone")
    messages.append(message(100))
    messages.fail(RPCError(.cancelled, "gone"))
    #expect(messages.waitingBytes == 0)
  }

  @Test func whatWaitsIsCountedUntilItIsTaken() async throws {
    var messages = IncomingMessages()
    messages.append(message(100))
    messages.append(message(200))
    // With five bytes of frame and 64 of memory that the queue takes for each.
    #expect(messages.waitingBytes == 438)
    _ = try await read(&messages)
    #expect(messages.waitingBytes == 269)
    _ = try await read(&messages)
    #expect(messages.waitingBytes == 0)
  }

  @Test func thePeerGetsItsWindowBackOnceNothingWaits() async throws {
    var messages = IncomingMessages()
    // Half a message holds nobody back: its other half could not come.
    messages.received(50)
    #expect(messages.takeReturnableBytes() == 50)
    messages.received(70)
    messages.append(message(100))
    #expect(messages.takeReturnableBytes() == 0)
    messages.received(30)
    #expect(messages.takeReturnableBytes() == 0)
    _ = try await read(&messages)
    #expect(messages.takeReturnableBytes() == 100)
    #expect(messages.takeReturnableBytes() == 0)
  }

  @Test func aReaderThatGaveUpTakesNothing() async throws {
    var messages = IncomingMessages()
    let error = await rpcError {
      let reader = StreamWaiter<FramedMessage?>()
      _ = try await withCheckedThrowingContinuation { continuation in
        #expect(reader.begin(continuation))
        messages.take(reader)
        reader.resume(with: .failure(RPCError(.cancelled, "gave up")))
      }
    }
    #expect(error?.message == "gave up")
    messages.append(message(7))
    #expect(try await read(&messages) == 7)
  }

  @Test func aReaderThatIsCancelledBeforeItComesIsNotHeld() async throws {
    let reader = StreamWaiter<FramedMessage?>()
    reader.resume(with: .failure(RPCError(.cancelled, "gave up")))
    let error = await rpcError {
      _ = try await withCheckedThrowingContinuation { #expect(!reader.begin($0)) }
    }
    #expect(error?.code == .cancelled)
  }

  @Test func aReaderThatWaitsHoldsNobodyBack() async throws {
    var messages = IncomingMessages()
    _ = try await read(&messages) {
      $0.received(105)
      $0.append(message(100))
    }
    #expect(messages.takeReturnableBytes() == 105)
  }
}
