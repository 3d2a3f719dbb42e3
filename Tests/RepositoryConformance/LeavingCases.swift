import SessionDomain
import Testing

let leavingCases = [
  ConformanceCase("Whoever leaves the bus leaves dead letters, with the reason, and ends its mailboxes") {
    (fixture) async throws in
    let repository = fixture.repository
    let ends: [(String, @Sendable (SessionID) async throws -> Void)] = [
      ("done", { try await repository.move($0, to: .completed, reason: "done") }),
      ("the receiver ended", { try await repository.move($0, to: .terminated) }),
      ("now", { _ = try await repository.forceShutDown($0, reason: "now", cascade: false) }),
      ("forced", { _ = try await repository.delete($0, force: true, allowMissing: false, expectedRevision: nil) }),
      ("deregistered", { _ = try await repository.deregister($0, timeout: nil) }),
      ("fire", { _ in _ = try await repository.shutDownAll(reason: "fire") }),
    ]
    for (reason, end) in ends {
      let receiver = try await fixture.createReceiver()
      let mailbox = try await repository.receive(receiver, inDeliveryMax: 3)
      try await repository.send("delivered", "failed", "kept", "waiting", to: receiver)
      let taken = try await mailbox.take()
      try await repository.acknowledge([taken[0]])
      try await repository.acknowledge([taken[1]], error: "later")
      try await end(receiver)
      let letters = try await repository.deadLetters(of: receiver)
      #expect(letters == ["failed", "kept", "waiting"].map { "\($0): \(reason)" })
      #expect(try await mailbox.next() == nil)
      mailbox.close()
      #expect(try await refusal { try await repository.receive(receiver, inDeliveryMax: 0) } != nil)
    }
  },
  ConformanceCase("A session that nobody uses leaves its messages to the dead letters") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    try await fixture.repository.send("a", to: receiver)
    for _ in 0..<2 { try await fixture.pass(.seconds(300)) }
    #expect(try await fixture.repository.deadLetters(of: receiver) == ["a: inactivity timeout"])
  },
  ConformanceCase("Deregistering is an event, and what is not registered stays as it is") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    try await repository.send("a", "b", to: receiver)
    let before = try await repository.session(receiver)
    let left = try await repository.deregister(receiver, timeout: nil)
    #expect(left.undeliveredCount == 2 && left.session.registration == nil && left.session.status == .active)
    #expect(try await repository.history(after: before.revision).map(\.kind) == [.deregistered])
    #expect(left.session.lastActivityTime == before.lastActivityTime)
    let again = try await repository.deregister(receiver, timeout: .seconds(60))
    #expect(again == Deregistration(session: left.session, undeliveredCount: 0))
    #expect(try await refusal { try await repository.deregister(strangeID, timeout: nil) } == .notFound(strangeID))
    #expect(
      try await refusal { try await repository.deregister(strangeID, timeout: .seconds(-1)) }?.paths == ["timeout"])
    // A new registration begins with an empty queue.
    try await repository.register(receiver)
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("c", to: receiver)
    #expect(try await mailbox.texts() == ["c"])
    mailbox.close()
  },
  ConformanceCase("Deregistering with a timeout drains the queue first") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", "b", to: receiver)
    let leaving = Task { try await repository.deregister(receiver, timeout: .seconds(5)) }
    await fixture.monotonicClock.waitForSleeper()
    #expect(try await repository.session(receiver).registration?.isDraining == true)
    #expect(try await refusal { try await repository.send("c", to: receiver) } == .draining(receiver))
    let taken = try await mailbox.take()
    try await repository.acknowledge([taken[0]])
    #expect(try await repository.session(receiver).registration?.isDraining == true)
    try await repository.acknowledge([taken[1]])
    let left = try await leaving.value
    #expect(left.undeliveredCount == 0 && left.session.registration == nil)
    #expect(try await mailbox.next() == nil)
    #expect(try await repository.history().map(\.kind).suffix(2) == [.updated, .deregistered])
    #expect(try await repository.deadLetters(of: receiver) == [])
    mailbox.close()
  },
  ConformanceCase("Deregistering goes on when the time is over") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("a", "b", to: receiver)
    let leaving = Task { try await repository.deregister(receiver, timeout: .seconds(5)) }
    await fixture.monotonicClock.waitForSleeper()
    fixture.monotonicClock.advance(by: .seconds(5))
    #expect(try await leaving.value.undeliveredCount == 2)
    #expect(try await repository.deadLetters(of: receiver) == ["a: deregistered", "b: deregistered"])
    #expect(try await mailbox.next() == nil)
    mailbox.close()
  },
  ConformanceCase("Registering again keeps the queue, ends draining and keeps the mailboxes") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver(types: ["COMMAND"])
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("a", "b", to: receiver)
    await #expect(throws: SessionError.drainTimeout(pendingCount: 2)) {
      try await repository.shutDown(receiver, GracefulShutdown(timeout: .zero))
    }
    _ = try await repository.register(receiver, RegistrationDraft(messageTypes: ["ERROR"]))
    #expect(
      try await refusal { try await repository.send("c", to: receiver) }
        == .typeNotAccepted(receiver, type: "COMMAND"))
    _ = try await repository.send(.text("d", to: receiver).with { $0.type = "ERROR" }, request: nil)
    for text in ["a", "b", "d"] {
      let taken = try await mailbox.take()
      #expect(taken.map(\.text) == [text])
      try await repository.acknowledge(taken)
    }
    mailbox.close()
  },
  ConformanceCase("A shutdown waits for the last message, whatever becomes of it") { (fixture) async throws in
    let repository = fixture.repository
    let settles: [@Sendable ([Message]) async throws -> Void] = [
      { try await repository.acknowledge($0) },
      { messages in
        for _ in 0..<4 {
          try await repository.acknowledge(messages, error: "broken")
          try await fixture.pass(.seconds(1))
        }
      }, { _ in try await fixture.pass(.seconds(86_400)) },
    ]
    for (number, settle) in settles.enumerated() {
      let receiver = try await fixture.createReceiver { $0.constraints = ["timeout:0"] }
      let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
      try await repository.send("a", to: receiver)
      let taken = try await mailbox.take()
      let shutdown = Task {
        try await repository.shutDown(receiver, GracefulShutdown(reason: "done", timeout: .seconds(100_000)))
      }
      await fixture.monotonicClock.waitForSleeper()
      #expect(try await repository.session(receiver).registration?.isDraining == true)
      try await settle(taken)
      // One that was not acknowledged in time had expired by then.
      #expect(try await shutdown.value.statusReason == "done")
      #expect(try await repository.deadLetters(of: receiver).count == (number == 0 ? 0 : 1))
      #expect(try await mailbox.next() == nil)
      mailbox.close()
    }
  },
  ConformanceCase("A migration waits for what is in delivery, and begins no delivery meanwhile") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("a", "b", to: receiver)
    let migration = Task { try await repository.migrate(receiver, Migration(workspace: "/new", preservesState: true)) }
    await fixture.monotonicClock.waitForSleeper()
    let other = try await repository.receive(receiver, inDeliveryMax: 5)
    try await repository.send("c", to: receiver)
    #expect(other.count == 0)
    #expect(try await repository.session(receiver).workspace == "/work")
    try await repository.acknowledge(try await mailbox.take())
    let moved = try await migration.value
    #expect(moved.workspace == "/new" && moved.registration != nil)
    try await fixture.look()
    #expect(Set(try await mailbox.texts() + other.texts()) == ["b", "c"])
    for mailbox in [mailbox, other] { mailbox.close() }
  },
  ConformanceCase("A migration goes on when a receiver closes that held messages") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("a", to: receiver)
    let migration = Task { try await repository.migrate(receiver, Migration(workspace: "/new", preservesState: true)) }
    await fixture.monotonicClock.waitForSleeper()
    mailbox.close()
    #expect(try await migration.value.workspace == "/new")
    let again = try await repository.receive(receiver, inDeliveryMax: 1)
    #expect(try await again.texts() == ["a"])
    again.close()
  },
  ConformanceCase("A migration without state sends the queue to the dead letters and leaves the bus") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    try await repository.send("a", "b", to: receiver)
    let moved = try await repository.migrate(receiver, Migration(workspace: "/new", preservesState: false))
    #expect(moved.registration == nil)
    #expect(try await repository.deadLetters(of: receiver) == ["a: migrated", "b: migrated"])
    #expect(try await refusal { try await repository.send("c", to: receiver) } == .notRegistered(receiver))
    #expect(try await repository.clone(receiver, CloneDraft()).registration == nil)
  },
  ConformanceCase("A page of large dead letters is shorter, and the rest is on the next") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    for _ in 0..<5 { try await repository.send(String(repeating: "x", count: 1 << 20), to: receiver) }
    _ = try await repository.deregister(receiver, timeout: nil)
    var counts: [Int] = []
    var token = ""
    repeat {
      let page = try await repository.deadLetters(of: receiver, pageSize: 0, pageToken: token)
      counts.append(page.deadLetters.count)
      token = page.nextPageToken
    } while !token.isEmpty
    #expect(counts == [2, 2, 1])
  },
  ConformanceCase("Dead letters are listed in pages, the oldest first, and outlive their sessions") {
    (fixture) async throws in
    let repository = fixture.repository
    let receivers = [try await fixture.createReceiver("a"), try await fixture.createReceiver("b")]
    for number in 0..<7 { try await repository.send("\(number)", to: receivers[number % 2]) }
    _ = try await repository.deregister(receivers[1], timeout: nil)
    _ = try await repository.delete(receivers[0], force: true, allowMissing: false, expectedRevision: nil)
    var texts: [String] = []
    var token = ""
    repeat {
      let page = try await repository.deadLetters(of: nil, pageSize: 3, pageToken: token)
      texts += page.deadLetters.map(\.message.text)
      token = page.nextPageToken
      #expect(page.deadLetters.count == 3 || token.isEmpty)
    } while !token.isEmpty
    #expect(texts == ["1", "3", "5", "0", "2", "4", "6"])
    #expect(
      try await repository.deadLetters(of: receivers[0]) == ["0", "2", "4", "6"].map { "\($0): forced" })
    #expect(try await repository.deadLetters(of: strangeID) == [])
    let next = try await repository.deadLetters(of: nil, pageSize: 3, pageToken: "").nextPageToken
    for (id, token) in [(receivers[0], next), (nil, "x")] as [(SessionID?, String)] {
      #expect(
        try await refusal { try await repository.deadLetters(of: id, pageSize: 3, pageToken: token) }
          == .pageTokenInvalid)
    }
    #expect(
      try await refusal { try await repository.deadLetters(of: nil, pageSize: -1, pageToken: "") }?.paths
        == ["page_size"])
  },
]
