import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// What is known of messages when a file is opened again.
@Suite(.timeLimit(.minutes(5))) struct MessageRestartTests {
  private let fixture: StoreFixture

  init() throws { fixture = try StoreFixture() }

  @Test func `Exactly what was not acknowledged waits, in order, and its deliveries count`() async throws {
    let first = try fixture.open()
    let receiver = try await first.createReceiver()
    for text in ["a", "b", "c", "d"] { try await first.send(text, to: receiver) }
    try await first.send("high", to: receiver, .high)
    let mailbox = try await first.receive(receiver, inDeliveryMax: 3)
    let taken = try await mailbox.take()
    #expect(taken.map(\.text) == ["high", "a", "b"])
    try await first.acknowledge(taken[1])
    #expect(try await mailbox.take().map(\.text) == ["c"])
    await first.close()

    let second = try fixture.open()
    #expect(try await second.inconsistencies() == [])
    let again = try await second.receive(receiver, inDeliveryMax: 0)
    let all = try await again.take()
    #expect(all.map(\.text) == ["high", "b", "c", "d"] && all.map(\.deliveryAttempt) == [2, 2, 2, 1])
    let sent = try await second.send("e", to: receiver)
    #expect(try await again.take().map(\.id) == [sent?.id])
    for message in all { #expect(try await second.acknowledge(message) == 1) }
    await second.close()
  }

  @Test func `Failures are counted over a restart, and restarts are none`() async throws {
    var receiver: SessionID?
    for round in 1...4 {
      for _ in 0..<2 {
        let repository = try fixture.open()
        if receiver == nil {
          receiver = try await repository.createReceiver()
          try await repository.send("a", to: receiver ?? SessionID(high: 0, low: 0))
        }
        let id = try #require(receiver)
        let mailbox = try await repository.receive(id, inDeliveryMax: 0)
        #expect(mailbox.count == 1)
        await repository.close()
      }
      let repository = try fixture.open()
      let id = try #require(receiver)
      let mailbox = try await repository.receive(id, inDeliveryMax: 0)
      let taken = try await mailbox.take()
      #expect(taken.map(\.deliveryAttempt) == [3 * round])
      for message in taken { try await repository.acknowledge(message, error: "e\(round)") }
      let letters = try await repository.deadLetters(of: id, pageSize: 0, pageToken: "").deadLetters
      #expect(letters.map(\.reason) == (round < 4 ? [] : ["failed after 12 deliveries: e4"]))
      await repository.close()
    }
  }

  @Test func `A message that waited to be tried again waits no longer`() async throws {
    let first = try fixture.open()
    let receiver = try await first.createReceiver()
    let mailbox = try await first.receive(receiver, inDeliveryMax: 0)
    try await first.send("a", to: receiver)
    for message in try await mailbox.take() { try await first.acknowledge(message, error: "later") }
    await first.close()
    let second = try fixture.open()
    let again = try await second.receive(receiver, inDeliveryMax: 0)
    #expect(try await again.take().map(\.deliveryAttempt) == [2])
    await second.close()
  }

  @Test func `Queues are as full as before, and what has expired meanwhile goes`() async throws {
    let first = try fixture.open()
    let receiver = try await first.createReceiver(constraints: ["max-queue:2", "timeout:0"])
    for text in ["a", "b"] { try await first.send(text, to: receiver) }
    await first.close()
    let second = try fixture.open()
    await #expect(throws: SessionError.queueFull(receiver, max: 2)) { try await second.send("c", to: receiver) }
    await second.close()
    fixture.clock.advance(by: .seconds(86_400))
    let third = try fixture.open()
    _ = try await third.create("any")
    let letters = try await third.deadLetters(of: receiver, pageSize: 0, pageToken: "").deadLetters
    #expect(letters.map(\.message.text) == ["a", "b"] && letters.map(\.reason) == ["expired", "expired"])
    try await third.send("c", to: receiver)
    #expect(try await third.inconsistencies() == [])
    await third.close()
  }

  @Test func `A request is known after a restart`() async throws {
    let first = try fixture.open()
    let receiver = try await first.createReceiver()
    var draft = MessageDraft(type: "COMMAND")
    draft.broadcastTo = SessionType.active.rawValue
    let key = RequestKey(method: "SendMessage", requestID: "r", bodyDigest: [1])
    let sent = try await first.send(draft, request: key)
    await first.close()
    let second = try fixture.open()
    #expect(try await second.send(draft, request: key) == sent)
    let mailbox = try await second.receive(receiver, inDeliveryMax: 0)
    #expect(mailbox.count == 1)
    await second.close()
  }

  @Test func `A clock that was set back changes no order`() async throws {
    let first = try fixture.open()
    let receiver = try await first.createReceiver()
    try await first.send("a", to: receiver)
    await first.close()
    fixture.clock.advance(by: .seconds(-86_400))
    let second = try fixture.open()
    try await second.send("b", to: receiver)
    let mailbox = try await second.receive(receiver, inDeliveryMax: 0)
    #expect(try await mailbox.take().map(\.text) == ["a", "b"])
    await second.close()
  }
}
