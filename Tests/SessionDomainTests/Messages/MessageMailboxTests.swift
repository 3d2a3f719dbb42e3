import SessionDomain
import Synchronization
import Testing

private let receiver = SessionID(high: 1, low: 1)

private func delivery(_ number: UInt64, bytes: Int = 1) -> Delivery {
  let message = Message(
    id: MessageID(SessionID(high: number, low: 0)), type: "A", priority: .normal, senderID: nil, receiverID: receiver,
    payload: Array(repeating: 0, count: bytes), correlationID: "", sendTime: Timestamp(microseconds: 0),
    expireTime: Timestamp(microseconds: 1))
  return Delivery(message: message, ackDeadline: Timestamp(microseconds: 2))
}

/// What a mailbox told of itself.
private final class Told: Sendable {
  private let counts = Mutex((room: 0, closed: 0))

  var room: Int { counts.withLock { $0.room } }
  var closed: Int { counts.withLock { $0.closed } }

  func makeMailbox() -> MessageMailbox {
    MessageMailbox(
      whenRoom: { self.counts.withLock { $0.room += 1 } }, whenClosed: { _ in self.counts.withLock { $0.closed += 1 } })
  }
}

@Suite(.timeLimit(.minutes(5))) struct MessageMailboxTests {
  private let told = Told()
  private let mailbox: MessageMailbox

  init() { mailbox = told.makeMailbox() }

  @Test func `Deliveries come in the order in which they were put`() async throws {
    for number in 0..<3 as Range<UInt64> { mailbox.put(delivery(number)) }
    #expect(try await mailbox.next() == delivery(0))
    mailbox.put(delivery(3))
    for number in 1..<4 as Range<UInt64> { #expect(try await mailbox.next() == delivery(number)) }
    #expect(mailbox.count == 0)
  }

  @Test func `Whoever waits is woken by a delivery, an end, an error and a cancellation`() async throws {
    let first = Task { try await mailbox.next() }
    mailbox.put(delivery(1))
    #expect(try await first.value == delivery(1))
    let cancelled = Task { try await mailbox.next() }
    cancelled.cancel()
    await #expect(throws: SessionError.cancelled) { try await cancelled.value }
    let last = Task { try await mailbox.next() }
    mailbox.leave()
    #expect(try await last.value == nil)
    let other = told.makeMailbox()
    let failing = Task { try await other.next() }
    other.fail(.closed)
    await #expect(throws: SessionError.closed) { try await failing.value }
  }

  @Test func `There is room for 64 deliveries, or for 256 KiB, with those that are on their way`() async throws {
    for number in 0..<63 as Range<UInt64> { mailbox.put(delivery(number)) }
    #expect(mailbox.hasRoom(besides: 0, bytes: 0))
    #expect(!mailbox.hasRoom(besides: 1, bytes: 0))
    #expect(told.room == 0)
    // It is told once, and not before half of it is empty.
    for taken in 1...63 {
      _ = try await mailbox.next()
      #expect(told.room == (taken < 31 ? 0 : 1))
    }
    #expect(mailbox.hasRoom(besides: 63, bytes: 256 * 1024 - 1))
    #expect(!mailbox.hasRoom(besides: 0, bytes: 256 * 1024))
    mailbox.put(delivery(100, bytes: 1 << 20))
    #expect(!mailbox.hasRoom(besides: 0, bytes: 0))
    _ = try await mailbox.next()
    #expect(mailbox.hasRoom(besides: 0, bytes: 0) && told.room == 2)
  }

  @Test func `What is withdrawn is not given out, and there is no room until it is taken from`() async throws {
    for number in 0..<3 as Range<UInt64> { mailbox.put(delivery(number)) }
    #expect(try await mailbox.next() == delivery(0))
    // This one was taken already.
    mailbox.withdraw(delivery(0).message.id)
    #expect(mailbox.hasRoom(besides: 0, bytes: 0))
    mailbox.withdraw(delivery(1).message.id)
    #expect(!mailbox.hasRoom(besides: 0, bytes: 0))
    #expect(try await mailbox.next() == delivery(2))
    #expect(mailbox.hasRoom(besides: 0, bytes: 0) && told.room == 1)
  }

  @Test func `What is settled is not given out, and says nothing of the receiver`() async throws {
    for number in 0..<3 as Range<UInt64> { mailbox.put(delivery(number)) }
    mailbox.settle(delivery(1).message.id)
    mailbox.settle(delivery(9).message.id)
    #expect(mailbox.count == 2 && mailbox.hasRoom(besides: 0, bytes: 256 * 1024 - 3))
    #expect(try await mailbox.next() == delivery(0))
    #expect(try await mailbox.next() == delivery(2))
  }

  @Test func `It closes once, and gives nothing out after`() async throws {
    mailbox.put(delivery(1))
    mailbox.close()
    mailbox.close()
    mailbox.put(delivery(2))
    mailbox.leave()
    #expect(told.closed == 1 && mailbox.count == 0)
    await #expect(throws: SessionError.closed) { try await mailbox.next() }
  }

  @Test func `An end comes before what was not taken, and a close after an end is told, too`() async throws {
    mailbox.put(delivery(1))
    mailbox.leave()
    #expect(try await mailbox.next() == nil)
    #expect(!mailbox.hasRoom(besides: 0, bytes: 0))
    mailbox.close()
    #expect(told.closed == 1)
  }
}
