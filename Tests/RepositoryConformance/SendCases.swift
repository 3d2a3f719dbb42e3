import SessionDomain
import Testing

let sendCases = [
  ConformanceCase("A message is stored with an id, its times and what it was given") { (fixture) async throws in
    let repository = fixture.repository
    let sender = try await repository.create("sender").id
    let receiver = try await fixture.createReceiver()
    let time = fixture.clock.now()
    let draft = MessageDraft.text("hello", to: receiver, .high, from: sender).with { $0.correlationID = "c1" }
    let sent = try #require(try await repository.send(draft))
    #expect(sent.type == "COMMAND" && sent.priority == .high && sent.text == "hello" && sent.correlationID == "c1")
    #expect(sent.senderID == sender && sent.receiverID == receiver && sent.deliveryAttempt == 0)
    #expect(sent.sendTime == time && sent.expireTime == time.advanced(by: .seconds(86_400)))
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    let delivery = try await mailbox.next()
    var expected = sent
    expected.deliveryAttempt = 1
    #expect(delivery == Delivery(message: expected, ackDeadline: time.advanced(by: .seconds(30))))
    mailbox.close()
  },
  ConformanceCase("A priority is the message's, or the receiver's, or normal") { (fixture) async throws in
    let plain = try await fixture.createReceiver()
    let urgent = try await fixture.createReceiver(priority: .critical)
    #expect(try await fixture.repository.send("a", to: plain).map(\.priority) == [.normal])
    #expect(try await fixture.repository.send("a", to: urgent).map(\.priority) == [.critical])
    #expect(try await fixture.repository.send("a", to: urgent, .low).map(\.priority) == [.low])
  },
  ConformanceCase("Everything wrong with a message is told at once, in the order of its fields") {
    (fixture) async throws in
    var draft = MessageDraft(type: "command")
    draft.priority = 9
    draft.expireTime = fixture.clock.now()
    draft.broadcastTo = 9
    draft.affinityOf = strangeID.description
    draft.violations = [FieldViolation(path: "message.payload.k", description: "")]
    let key = RequestKey(method: "SendMessage", requestID: String(repeating: "r", count: 65), bodyDigest: [])
    let wrong = try await refusal { try await fixture.repository.send(draft, request: key) }
    #expect(
      wrong?.paths == [
        "message.type", "message.priority", "message.expire_time", "message.to_session_id", "broadcast_to",
        "message.payload.k", "request_id",
      ])
    for type in ["", "aB", "A\u{7}", String(repeating: "A", count: 129)] {
      let draft = MessageDraft.text("", to: strangeID).with { $0.type = type }
      #expect(try await refusal { try await fixture.repository.send(draft, request: nil) }?.paths == ["message.type"])
    }
  },
  ConformanceCase("A type in upper case has any letters and signs") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    for type in ["PROGRESS_REPORT", "ÄRGER 7", "工作", String(repeating: "A", count: 128)] {
      #expect(try await fixture.repository.send(.text("", to: receiver).with { $0.type = type })?.type == type)
    }
  },
  ConformanceCase("A time to expire is later than now") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    let now = fixture.clock.now()
    for (microseconds, isAllowed) in [(-1, false), (0, false), (1, true)] {
      let draft = MessageDraft.text("", to: receiver).with {
        $0.expireTime = Timestamp(microseconds: now.microseconds + Int64(microseconds))
      }
      if isAllowed {
        #expect(try await fixture.repository.send(draft)?.expireTime == draft.expireTime)
      } else {
        let wrong = try await refusal { try await fixture.repository.send(draft, request: nil) }
        #expect(wrong?.paths == ["message.expire_time"])
      }
    }
  },
  ConformanceCase("Who cannot take a message refuses it, and nothing is stored") { (fixture) async throws in
    let repository = fixture.repository
    let unregistered = try await repository.create(in: .active).id
    let draining = try await fixture.createReceiver()
    try await repository.send("kept", to: draining)
    await #expect(throws: SessionError.drainTimeout(pendingCount: 1)) {
      try await repository.shutDown(draining, GracefulShutdown(timeout: .zero))
    }
    let picky = try await fixture.createReceiver(types: ["ERROR", "PROGRESS"])
    let full = try await fixture.createReceiver { $0.constraints = ["max-queue:0"] }
    let ended = try await fixture.createReceiver()
    try await repository.move(ended, to: .completed)
    let expected: [(SessionID, SessionError)] = [
      (unregistered, .notRegistered(unregistered)), (draining, .draining(draining)),
      (picky, .typeNotAccepted(picky, type: "COMMAND")), (full, .queueFull(full, max: 0)),
      (ended, .notRegistered(ended)), (strangeID, .notFound(strangeID)),
    ]
    for (id, error) in expected {
      #expect(try await refusal { try await repository.send("x", to: id) } == error)
      #expect(try await repository.deadLetters(of: id) == [])
    }
    #expect(try await repository.deregister(draining, timeout: nil).undeliveredCount == 1)
  },
  ConformanceCase("A queue is full with what waits, is in delivery, or is to be tried again") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver { $0.constraints = ["max-queue:3"] }
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 2)
    try await repository.send("a", "b", "c", to: receiver)
    let full = SessionError.queueFull(receiver, max: 3)
    #expect(try await refusal { try await repository.send("d", to: receiver) } == full)
    let taken = try await mailbox.take()
    try await repository.acknowledge([taken[0]], error: "later")
    #expect(try await refusal { try await repository.send("d", to: receiver) } == full)
    try await repository.acknowledge([taken[1]])
    try await repository.send("d", to: receiver)
    #expect(try await refusal { try await repository.send("e", to: receiver) } == full)
    _ = try await repository.update(
      receiver, .of("constraints") { $0.constraints = ["max-queue:4"] }, expectedRevision: nil)
    try await repository.send("e", to: receiver)
    mailbox.close()
  },
  ConformanceCase("An observer does not send, whatever is wrong with the receiver") { (fixture) async throws in
    let repository = fixture.repository
    let observer = try await repository.create("observer", .observer).id
    for receiver in [try await fixture.createReceiver(), try await repository.create("unregistered").id] {
      #expect(
        try await refusal { try await repository.send("x", to: receiver, from: observer) }
          == .observerReadOnly(observer))
    }
    #expect(
      try await refusal { try await repository.send("x", to: strangeID, from: observer) } == .notFound(strangeID))
    let receiver = try await fixture.createReceiver()
    #expect(
      try await refusal { try await repository.send("x", to: receiver, from: strangeID) } == .notFound(strangeID))
    let draft = MessageDraft.text("x", to: receiver).with { $0.senderID = "nonsense" }
    #expect(try await refusal { try await repository.send(draft, request: nil) } == .notAnID("nonsense"))
  },
  ConformanceCase("A broadcast goes to every registered session of a type that can take it") { (fixture) async throws in
    let repository = fixture.repository
    let able = [try await fixture.createReceiver("a"), try await fixture.createReceiver("b")]
    _ = try await fixture.createReceiver("department") { $0.type = .department }
    _ = try await fixture.createReceiver("full") { $0.constraints = ["max-queue:0"] }
    _ = try await fixture.createReceiver("picky", types: ["OTHER"])
    _ = try await repository.create(in: .active, "unregistered")
    var draft = MessageDraft(type: "COMMAND")
    draft.broadcastTo = SessionType.active.rawValue
    let sent = try await repository.send(draft, request: nil)
    #expect(sent.map(\.receiverID) == able.sorted { $0 < $1 } && Set(sent.map(\.id)).count == 2)
    for (id, message) in zip(able, sent) {
      let mailbox = try await repository.receive(id, inDeliveryMax: 0)
      #expect(try await mailbox.take().map(\.id) == [message.id])
      mailbox.close()
    }
    draft.broadcastTo = SessionType.director.rawValue
    #expect(try await refusal { try await repository.send(draft, request: nil) } == .noReceiver(.director))
  },
  ConformanceCase("An affinity picks the receiver, and its turn counts") { (fixture) async throws in
    let repository = fixture.repository
    let owner = try await repository.create("director", .director).id
    var targets: [SessionID] = []
    for name in ["a", "b", "c"] { targets.append(try await fixture.createReceiver(name)) }
    let affinity = AffinityDraft(
      sessionID: owner.description, targets: targets.map { .init(sessionID: $0.description) })
    _ = try await repository.setAffinity(affinity)
    var draft = MessageDraft(type: "COMMAND")
    draft.affinityOf = owner.description
    #expect(try await repository.send(draft)?.receiverID == targets[0])
    #expect(try await repository.resolveAffinity(of: owner, key: "").targetID == targets[1])
    #expect(try await repository.send(draft)?.receiverID == targets[2])
    for target in targets { try await repository.move(target, to: .completed) }
    guard case .noTarget(owner, _)? = try await refusal({ try await repository.send(draft, request: nil) }) else {
      Issue.record("somebody took it")
      return
    }
    draft.affinityOf = targets[0].description
    #expect(try await refusal { try await repository.send(draft, request: nil) } == .affinityNotFound(targets[0]))
  },
  ConformanceCase("Who may not send by an affinity hears so before anything is picked, and takes no turn") {
    (fixture) async throws in
    let repository = fixture.repository
    let owner = try await repository.create("director", .director).id
    let observer = try await repository.create("observer", .observer).id
    let targets = [try await fixture.createReceiver("a"), try await fixture.createReceiver("b")]
    var affinity = AffinityDraft(
      sessionID: owner.description, targets: targets.map { .init(sessionID: $0.description) })
    _ = try await repository.setAffinity(affinity)
    var draft = MessageDraft(type: "COMMAND")
    draft.affinityOf = owner.description
    let byObserver = draft.with { $0.senderID = observer.description }
    #expect(try await refusal { try await repository.send(byObserver, request: nil) } == .observerReadOnly(observer))
    #expect(try await repository.send(draft)?.receiverID == targets[0])
    affinity.strategy = AffinityStrategy.consistentHash.rawValue
    _ = try await repository.setAffinity(affinity)
    let byStranger = draft.with { $0.senderID = strangeID.description }
    #expect(try await refusal { try await repository.send(byStranger, request: nil) }?.paths == ["affinity_key"])
    for target in targets { try await repository.move(target, to: .completed) }
    let withKey = byObserver.with { $0.affinityKey = "k" }
    #expect(try await refusal { try await repository.send(withKey, request: nil) } == .observerReadOnly(observer))
  },
  ConformanceCase("Affinities count the messages of a queue") { (fixture) async throws in
    let repository = fixture.repository
    let owner = try await repository.create("director", .director).id
    let (short, long) = (try await fixture.createReceiver("short"), try await fixture.createReceiver("long"))
    var affinity = AffinityDraft(
      sessionID: owner.description, targets: [long, short].map { .init(sessionID: $0.description) })
    affinity.strategy = AffinityStrategy.leastLoaded.rawValue
    _ = try await repository.setAffinity(affinity)
    try await repository.send("a", "b", to: long)
    try await repository.send("a", to: short)
    for _ in 0..<3 { #expect(try await repository.resolveAffinity(of: owner, key: "").targetID == short) }
    let mailbox = try await repository.receive(long, inDeliveryMax: 0)
    // In delivery, they still count.
    #expect(try await repository.resolveAffinity(of: owner, key: "").targetID == short)
    try await repository.acknowledge(try await mailbox.take())
    #expect(try await repository.resolveAffinity(of: owner, key: "").targetID == long)
    mailbox.close()
  },
  ConformanceCase("A repeated request returns what it sent, also when that is gone") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let key = RequestKey(method: "SendMessage", requestID: "r1", bodyDigest: [1])
    let draft = MessageDraft.text("once", to: receiver, .high)
    let first = try await repository.send(draft, request: key)
    fixture.clock.advance(by: .seconds(1))
    #expect(try await repository.send(draft, request: key) == first)
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    let taken = try await mailbox.take()
    #expect(taken.map(\.id) == first.map(\.id))
    try await repository.acknowledge(taken)
    _ = try await repository.register(receiver, RegistrationDraft(priority: MessagePriority.low.rawValue))
    #expect(try await repository.send(draft, request: key) == first)
    #expect(mailbox.count == 0)
    let other = RequestKey(method: "SendMessage", requestID: "r1", bodyDigest: [2])
    #expect(
      try await refusal { try await repository.send(draft, request: other) } == .requestIDReused(requestID: "r1"))
    // An id counts per method.
    let create = RequestKey(method: "CreateSession", requestID: "r1", bodyDigest: [1])
    _ = try await repository.create(.named("a"), request: create)
    #expect(try await repository.send(draft, request: key) == first)
    try await fixture.pass(.seconds(86_399))
    #expect(try await repository.send(draft, request: key) == first)
    try await fixture.pass(.milliseconds(1))
    try await repository.register(receiver)
    #expect(try await repository.send(draft, request: key).map(\.id) != first.map(\.id))
    mailbox.close()
  },
  ConformanceCase("A send that is refused uses up no request id") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await repository.create(in: .active).id
    let key = RequestKey(method: "SendMessage", requestID: "r1", bodyDigest: [1])
    let draft = MessageDraft.text("once", to: receiver)
    _ = try await refusal { try await repository.send(draft, request: key) }
    try await repository.register(receiver)
    #expect(try await repository.send(draft, request: key).count == 1)
  },
  ConformanceCase("Registering needs a session at work or about to be, and is no activity") { (fixture) async throws in
    let repository = fixture.repository
    for status in SessionStatus.allCases {
      let session = try await repository.create(in: status)
      fixture.clock.advance(by: .seconds(1))
      let draft = RegistrationDraft(messageTypes: ["COMMAND"], priority: MessagePriority.high.rawValue)
      guard status.isLive else {
        #expect(
          try await refusal { try await repository.register(session.id, draft) }
            == .illegalTransition(from: status, to: .active, allowed: status.allowedMoves))
        continue
      }
      let registered = try await repository.register(session.id, draft)
      #expect(
        registered.registration
          == Registration(
            messageTypes: ["COMMAND"], priority: .high, registerTime: fixture.clock.now(), isDraining: false))
      #expect(registered.lastActivityTime == session.lastActivityTime && registered.status == status)
      #expect(try await repository.history(after: session.revision).map(\.kind) == [.registered])
    }
    #expect(try await refusal { try await repository.register(strangeID) } == .notFound(strangeID))
    let wrong = RegistrationDraft(messageTypes: ["A", "A", "b"], priority: 5)
    #expect(
      try await refusal { try await repository.register(strangeID, wrong) }?.paths
        == ["message_types[1]", "message_types[2]", "priority"])
  },
  ConformanceCase("Sending is activity of its sender, and of nobody else") { (fixture) async throws in
    let repository = fixture.repository
    let sender = try await repository.create(in: .active, "sender").id
    let receiver = try await fixture.createReceiver()
    for _ in 0..<2 {
      try await fixture.pass(.seconds(299))
      if try await repository.session(receiver).status == .active {
        try await repository.send("a", to: receiver, from: sender)
      }
    }
    #expect(try await repository.session(sender).status == .active)
    #expect(try await repository.session(receiver).status == .idle)
    #expect(
      try await repository.session(sender).lastActivityTime == fixture.clock.now().advanced(by: .seconds(-299)))
  },
]

extension MessageRepository {
  @discardableResult
  func register(_ id: SessionID) async throws -> Session { try await register(id, RegistrationDraft()) }
}
