import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

/// A bus in use, step by step at random: whatever happens, each message is in one place, and memory and file agree.
@Suite(.timeLimit(.minutes(5))) struct MessageModelTests {
  private struct Run {
    let fixture: StoreFixture
    var repository: SQLiteSessionRepository
    var randomness: SeededGenerator
    var receivers: [SessionID] = []
    var mailboxes: [MessageMailbox] = []
    /// In delivery, as far as the receivers know.
    var taken: [Message] = []
    var sent: Set<MessageID> = []
    var settled: Set<MessageID> = []
    var attempts: [MessageID: Int] = [:]

    static func change(_ settings: inout SessionStoreSettings) {
      settings.sessionTimeout = .zero
      settings.maxRetries = 2
    }

    init(seed: UInt64) async throws {
      fixture = try StoreFixture()
      repository = try fixture.open(Self.change)
      randomness = SeededGenerator(state: seed)
      for name in ["a", "b"] { receivers.append(try await repository.createReceiver(name)) }
    }

    mutating func step() async throws {
      switch Int.random(in: 0..<100, using: &randomness) {
      case 0..<40: try await send()
      case 40..<65: try await receive()
      case 65..<80: try await settle()
      case 80..<86: try await open()
      case 86..<90: close()
      case 90..<97: try await pass()
      default: try await restart()
      }
    }

    private mutating func send() async throws {
      var draft = MessageDraft(type: "COMMAND")
      draft.receiverID = receivers[Int.random(in: 0..<2, using: &randomness)].description
      draft.priority = Int32.random(in: 0...4, using: &randomness)
      draft.payload = Array(repeating: 7, count: Int.random(in: 0..<9000, using: &randomness))
      if Int.random(in: 0..<4, using: &randomness) == 0 {
        draft.expireTime = fixture.clock.now().advanced(
          by: .milliseconds(Int.random(in: 1..<90_000, using: &randomness)))
      }
      for message in try await repository.send(draft, request: nil) { sent.insert(message.id) }
    }

    private mutating func receive() async throws {
      for mailbox in mailboxes {
        for message in try await mailbox.take() {
          #expect(!settled.contains(message.id))
          #expect(message.deliveryAttempt > attempts[message.id] ?? 0)
          attempts[message.id] = message.deliveryAttempt
          taken.append(message)
        }
      }
    }

    private mutating func settle() async throws {
      let count = min(taken.count, Int.random(in: 1..<6, using: &randomness))
      for _ in 0..<count {
        let message = taken.remove(at: Int.random(in: taken.indices, using: &randomness))
        let isError = Int.random(in: 0..<3, using: &randomness) == 0
        let isKnown = try await repository.acknowledge(message, error: isError ? "e" : "") == 1
        if isKnown, !isError { settled.insert(message.id) }
      }
    }

    private mutating func open() async throws {
      guard mailboxes.count < 5 else { return }
      mailboxes.append(
        try await repository.receive(
          receivers[Int.random(in: 0..<2, using: &randomness)],
          inDeliveryMax: Int.random(in: 1..<9, using: &randomness)))
    }

    private mutating func close() {
      guard !mailboxes.isEmpty else { return }
      mailboxes.remove(at: Int.random(in: mailboxes.indices, using: &randomness)).close()
    }

    private mutating func pass() async throws {
      let duration = Duration.milliseconds(Int.random(in: 1..<40_000, using: &randomness))
      fixture.clock.advance(by: duration)
      fixture.monotonicClock.advance(by: duration)
    }

    private mutating func restart() async throws {
      await repository.close()
      mailboxes = []
      taken = []
      repository = try fixture.open(Self.change)
    }

    /// Where every message is that was sent.
    func account() async throws {
      #expect(try await repository.inconsistencies() == [])
      let waiting = try await repository.committer.submit { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in try writer.messageIDs() }
      }
      var dead: Set<MessageID> = []
      var token = ""
      repeat {
        let page = try await repository.deadLetters(of: nil, pageSize: 1000, pageToken: token)
        dead.formUnion(page.deadLetters.map(\.message.id))
        token = page.nextPageToken
      } while !token.isEmpty
      #expect(waiting.isDisjoint(with: dead) && settled.isDisjoint(with: dead) && settled.isDisjoint(with: waiting))
      #expect(waiting.union(dead).union(settled) == sent)
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func `Every message is in one place`(seed: UInt64) async throws {
    var run = try await Run(seed: seed)
    for step in 0..<600 {
      try await run.step()
      if step % 20 == 0 { try await run.account() }
    }
    try await run.account()
    #expect(run.settled.count > 20 && run.attempts.values.contains { $0 > 2 })
    await run.repository.close()
  }
}

extension Writer {
  fileprivate func messageIDs() throws(StorageFailure) -> Set<MessageID> {
    let statement = try database.statement("SELECT id FROM messages")
    defer { statement.reset() }
    var ids: Set<MessageID> = []
    while try statement.step() {
      var row = statement.row
      if let id = MessageID(row.text()) { ids.insert(id) }
    }
    return ids
  }
}
