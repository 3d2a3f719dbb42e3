import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// What memory keeps of messages that are long gone: nothing.
@Suite(.timeLimit(.minutes(5))) struct MessageMemoryTests {
  @Test func `Deadlines of settled messages do not pile up`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let receiver = try await repository.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    for number in 0..<300 {
      try await repository.send("a", to: receiver)
      for message in try await mailbox.take() {
        try await repository.acknowledge(message, error: number % 2 == 0 ? "" : "later")
      }
      if number % 50 == 49 {
        // What failed comes again, and is settled.
        fixture.monotonicClock.advance(by: .seconds(1))
        _ = try await repository.create("any \(number)")
        while mailbox.count > 0 {
          for message in try await mailbox.take() { try await repository.acknowledge(message) }
        }
      }
    }
    let count = try await repository.committer.submit { (writer) throws(SessionError) in writer.bus.deadlinesCount }
    #expect(count <= 2 * 64 + 2)
    await repository.close()
  }

  @Test func `A receiver that fails everything gets no more until it is tried again`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open { $0.delayedMessagesMax = 3 }
    let receiver = try await repository.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    for number in 0..<5 {
      try await repository.send("\(number)", to: receiver)
      #expect(mailbox.count == (number < 3 ? 1 : 0))
      for message in try await mailbox.take() { try await repository.acknowledge(message, error: "broken") }
    }
    fixture.monotonicClock.advance(by: .seconds(1))
    _ = try await repository.create("any")
    var texts: [String] = []
    while mailbox.count > 0 {
      for message in try await mailbox.take() {
        texts.append(message.text)
        try await repository.acknowledge(message)
      }
    }
    #expect(texts == ["0", "1", "2", "3", "4"])
    await repository.close()
  }

  @Test func `A receiver gets more when what it failed has expired, and is not tried again`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open {
      $0.delayedMessagesMax = 1
      $0.retryDelay = .seconds(7200)
    }
    let receiver = try await repository.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    var draft = MessageDraft(type: "COMMAND")
    (draft.receiverID, draft.payload) = (receiver.description, Array("fails".utf8))
    draft.expireTime = fixture.clock.now().advanced(by: .seconds(60))
    _ = try await repository.send(draft, request: nil)
    for message in try await mailbox.take() { try await repository.acknowledge(message, error: "broken") }
    try await repository.send("waits", to: receiver)
    #expect(mailbox.count == 0)
    fixture.clock.advance(by: .seconds(60))
    fixture.monotonicClock.advance(by: .seconds(60))
    for name in ["lets the first expire", "and delivers the second"] { _ = try await repository.create(name) }
    #expect(try await mailbox.take().map(\.text) == ["waits"])
    await repository.close()
  }

  @Test func `Sessions that left the bus are forgotten`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for number in 0..<20 {
      let receiver = try await repository.createReceiver("\(number)")
      let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
      for text in ["a", "b"] { try await repository.send(text, to: receiver) }
      if number % 2 == 0 {
        for _ in 0..<2 { for message in try await mailbox.take() { try await repository.acknowledge(message) } }
      }
      _ = try await repository.delete(receiver, force: true, allowMissing: false, expectedRevision: nil)
      mailbox.close()
    }
    _ = try await repository.create("last")
    let counts = try await repository.committer.submit { (writer) throws(SessionError) in writer.bus.sizes }
    #expect(counts == [0, 0, 0, 0])
    await repository.close()
  }
}
