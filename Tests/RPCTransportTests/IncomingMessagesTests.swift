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
    let frame: FramedMessage? = try await withCheckedThrowingContinuation { reader in
      messages.take(reader)
      change(&messages)
    }
    return frame?.payload.count
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
    let error = await rpcError {
      try await withCheckedThrowingContinuation { (reader: IncomingMessages.Reader) in
        messages.take(reader)
        messages.fail(RPCError(.cancelled, "gone"))
      }.map { $0.count }
    }
    #expect(error?.code == .cancelled)
    messages.append(message(100))
    messages.fail(RPCError(.cancelled, "gone"))
    #expect(messages.waitingBytes == 0)
  }

  @Test func whatWaitsIsCountedUntilItIsTaken() async throws {
    var messages = IncomingMessages()
    messages.append(message(100))
    messages.append(message(200))
    #expect(messages.waitingBytes == 310)
    _ = try await read(&messages)
    #expect(messages.waitingBytes == 205)
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

  @Test func aReaderThatWaitsHoldsNobodyBack() async throws {
    var messages = IncomingMessages()
    _ = try await read(&messages) {
      $0.received(105)
      $0.append(message(100))
    }
    #expect(messages.takeReturnableBytes() == 105)
  }
}
