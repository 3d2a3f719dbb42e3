import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// Changes of messages that fail: memory and file tell the same after it.
@Suite(.timeLimit(.minutes(5))) struct MessageFaultTests {
  private let fixture: StoreFixture
  private let repository: SQLiteSessionRepository

  init() throws {
    fixture = try StoreFixture()
    repository = try fixture.open()
  }

  @Test func `A change that fails after it has sent and settled did neither`() async throws {
    let receiver = try await repository.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 2)
    for text in ["a", "b", "c"] { try await repository.send(text, to: receiver) }
    let taken = try await mailbox.take()
    var draft = MessageDraft(type: "COMMAND")
    draft.receiverID = receiver.description
    let new = try #require(draft.check(at: fixture.clock.now()).value)
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit { (writer) throws(SessionError) -> Void in
        _ = try writer.acknowledge(receiver, [taken[0].id.description], error: "")
        _ = try writer.acknowledge(receiver, [taken[1].id.description], error: "broken")
        _ = try writer.send(new, request: nil)
        _ = try writer.forceShutDown(receiver, reason: "", cascade: false)
        throw .pageTokenInvalid
      }
    }
    #expect(mailbox.count == 0)
    #expect(try await repository.inconsistencies() == [])
    for message in taken { #expect(try await repository.acknowledge(message) == 1) }
    #expect(try await mailbox.take().map(\.text) == ["c"])
    await repository.close()
  }

  @Test func `A receiver whose joining fails is given nothing`() async throws {
    let receiver = try await repository.createReceiver()
    let mailbox = MessageMailbox(whenRoom: {}, whenClosed: { _ in })
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit { (writer) throws(SessionError) -> Void in
        try writer.receive(receiver, mailbox, inDeliveryMax: 1)
        throw .pageTokenInvalid
      }
    }
    try await repository.send("a", to: receiver)
    #expect(mailbox.count == 0)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `Without a savepoint, a change that fails half way leaves nothing, and a refusal harms nobody`()
    async throws
  {
    let receiver = try await repository.createReceiver()
    let newest = try await repository.sequences().newest
    await #expect(throws: SessionError.pageTokenInvalid) {
      try await repository.committer.submit(needsSavepoint: false) { (_) throws(SessionError) -> Void in
        throw .pageTokenInvalid
      }
    }
    await #expect(throws: SessionError.self) {
      try await repository.committer.submit(needsSavepoint: false) { (writer) throws(SessionError) -> Void in
        _ = try writer.deregister(receiver)
        throw .pageTokenInvalid
      }
    }
    #expect(try await repository.sequences().newest == newest)
    #expect(try await repository.session(receiver).registration != nil)
    #expect(try await repository.inconsistencies() == [])
    #expect(try await repository.send("a", to: receiver) != nil)
    await repository.close()
  }

  @Test func `A full file loses no message, and goes on when it has room`() async throws {
    let receiver = try await repository.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 4)
    try await repository.limitPages(to: 60)
    let text = String(repeating: "x", count: 3000)
    var sent: [MessageID] = []
    for number in 0..<200 {
      do throws(SessionError) {
        if let id = try await repository.send("\(number) \(text)", to: receiver)?.id { sent.append(id) }
      } catch {
        guard case .storage(let failure) = error else { throw error }
        #expect(failure.kind == .full)
      }
    }
    #expect(sent.count < 200 && sent.count > 4)
    #expect(try await repository.inconsistencies() == [])
    try await repository.limitPages(to: 100_000)
    var received: [MessageID] = []
    while mailbox.count > 0 {
      for message in try await mailbox.take() {
        received.append(message.id)
        #expect(message.deliveryAttempt == 1)
        #expect(try await repository.acknowledge(message) == 1)
      }
    }
    #expect(received == sent)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `A COMMIT that fails gives nothing to a mailbox`() async throws {
    await #expect(processExitsWith: .success) {
      let fixture = try StoreFixture()
      let repository = try fixture.open()
      let receiver = try await repository.createReceiver()
      let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
      try await repository.send("before", to: receiver)
      let taken = try await mailbox.take()
      try await repository.deferWrites()
      let limit = try FileSizeLimit(path: fixture.path + "-wal")
      await #expect(throws: SessionError.self) { try await repository.send("lost", to: receiver) }
      await #expect(throws: SessionError.self) { try await repository.acknowledge(taken[0]) }
      limit.lift()
      #expect(mailbox.count == 0)
      #expect(try await repository.inconsistencies() == [])
      #expect(try await repository.acknowledge(taken[0]) == 1)
      try await repository.send("after", to: receiver)
      #expect(try await mailbox.take().map(\.text) == ["after"])
      #expect(try await repository.inconsistencies() == [])
      await repository.close()
    }
  }

  @Test func `What is over when a COMMIT fails is over after it`() async throws {
    await #expect(processExitsWith: .success) {
      let fixture = try StoreFixture()
      let repository = try fixture.open { $0.maxRetries = 0 }
      let receiver = try await repository.createReceiver()
      let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
      for text in ["in delivery", "waiting"] { try await repository.send(text, to: receiver) }
      _ = try await mailbox.take()
      try await repository.deferWrites()
      let limit = try FileSizeLimit(path: fixture.path + "-wal")
      fixture.monotonicClock.advance(by: .seconds(30))
      await #expect(throws: SessionError.self) { try await repository.create("any") }
      limit.lift()
      #expect(try await repository.inconsistencies() == [])
      _ = try await repository.create("other")
      let letters = try await repository.deadLetters(of: receiver, pageSize: 0, pageToken: "").deadLetters
      #expect(letters.map(\.message.text) == ["in delivery"])
      #expect(try await mailbox.take().map(\.text) == ["waiting"])
      await repository.close()
    }
  }
}
