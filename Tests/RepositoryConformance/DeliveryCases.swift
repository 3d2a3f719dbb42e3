import SessionDomain
import Testing

extension RepositoryOptions {
  /// Lets messages be in delivery for long.
  fileprivate static var patient: RepositoryOptions {
    var options = RepositoryOptions()
    options.ackTimeout = .seconds(3600)
    return options
  }
}

let deliveryCases = [
  ConformanceCase("A message is in the mailbox before its sender is answered") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    try await repository.send("before", to: receiver)
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    #expect(try await mailbox.texts() == ["before"])
    for number in 0..<5 {
      try await repository.send("\(number)", to: receiver)
      #expect(mailbox.count == 1)
      #expect(try await mailbox.texts() == ["\(number)"])
    }
    mailbox.close()
  },
  ConformanceCase("A mailbox that waits is woken by a message") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    let mailbox = try await fixture.repository.receive(receiver, inDeliveryMax: 0)
    async let next = mailbox.next()
    try await fixture.repository.send("a", to: receiver)
    #expect(try await next?.message.text == "a")
    mailbox.close()
  },
  ConformanceCase("Delivery needs an active or idle session") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create("a").id
    try await repository.register(session)
    let mailbox = try await repository.receive(session, inDeliveryMax: 0)
    try await repository.send("a", to: session)
    #expect(mailbox.count == 0)
    try await repository.move(session, to: .active)
    #expect(try await mailbox.texts() == ["a"])
    try await repository.move(session, to: .idle)
    try await repository.send("b", to: session)
    #expect(try await mailbox.texts() == ["b"])
    try await repository.move(session, to: .error)
    try await repository.send("c", to: session)
    #expect(mailbox.count == 0)
    #expect(try await repository.forceShutDown(session, reason: "", cascade: false).deadLetteredCount == 3)
    mailbox.close()
  },
  ConformanceCase("A delivery makes an idle session active, once and with a reason") { (fixture) async throws in
    let repository = fixture.repository
    for waits in [true, false] {
      let session = try await fixture.createReceiver()
      try await repository.move(session, to: .idle)
      let mailbox = try await repository.receive(session, inDeliveryMax: 0)
      let before = try await repository.session(session)
      #expect(before.status == .idle)
      if waits { mailbox.close() }
      try await repository.send("a", "b", to: session)
      // Without a receiver nothing is delivered.
      if waits { #expect(try await repository.session(session).status == .idle) }
      let late = waits ? try await repository.receive(session, inDeliveryMax: 0) : mailbox
      #expect(try await late.texts() == ["a", "b"])
      let woken = try await repository.session(session)
      #expect(woken.status == .active && woken.statusReason == "message delivered")
      let events = try await repository.history(after: before.revision)
      #expect(events.map(\.kind) == [.statusChanged] && events.first?.reason == "message delivered")
      late.close()
    }
  },
  ConformanceCase("A receiver holds no more than it asked for, and gets more as it acknowledges") {
    (fixture) async throws in
    let repository = fixture.repository
    for (asked, meant) in [(0, 16), (1, 1), (5, 5), (5000, 1000)] {
      let receiver = try await fixture.createReceiver()
      for number in 0..<meant + 1 { try await repository.send("\(number)", to: receiver) }
      let mailbox = try await repository.receive(receiver, inDeliveryMax: asked)
      var taken: [Message] = []
      // A mailbox is smaller than what may be in delivery: it is filled as it is emptied.
      while taken.count < meant { if let delivery = try await mailbox.next() { taken.append(delivery.message) } }
      try await fixture.look()
      #expect(mailbox.count == 0)
      #expect(taken.map(\.text) == (0..<meant).map { "\($0)" })
      try await repository.acknowledge([taken[0]])
      #expect(try await mailbox.texts() == ["\(meant)"])
      mailbox.close()
    }
    let receiver = try await fixture.createReceiver()
    #expect(
      try await refusal { try await repository.receive(receiver, inDeliveryMax: -1) }?.paths == ["max_in_flight"])
  },
  ConformanceCase("Receiving needs a session that is on the bus") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create(in: .active).id
    #expect(try await refusal { try await repository.receive(session, inDeliveryMax: 0) } == .notRegistered(session))
    #expect(try await refusal { try await repository.receive(strangeID, inDeliveryMax: 0) } == .notFound(strangeID))
  },
  ConformanceCase("A mailbox that is not emptied holds a bounded number of messages") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1000)
    for number in 0..<200 { try await repository.send("\(number)", to: receiver) }
    #expect(mailbox.count == 64)
    var texts: [String] = []
    while texts.count < 200 { if let delivery = try await mailbox.next() { texts.append(delivery.message.text) } }
    #expect(texts == (0..<200).map { "\($0)" })
    let large = MessageDraft.text(String(repeating: "x", count: 100_000), to: receiver)
    for _ in 0..<10 { _ = try await repository.send(large) }
    #expect(mailbox.count == 3)
    for _ in 0..<10 { #expect(try await mailbox.next() != nil) }
    mailbox.close()
  },
  ConformanceCase("Acknowledged messages are gone, and unknown ids are told") { (fixture) async throws in
    let repository = fixture.repository
    let (receiver, other) = (try await fixture.createReceiver(), try await fixture.createReceiver("other"))
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 2)
    let sent = try await repository.send("a", "b", "c", to: receiver)
    _ = try await mailbox.take()
    let ids = sent.map(\.id.description)
    #expect(
      try await repository.acknowledge(other, messageIDs: [ids[0]], error: "")
        == Acknowledgement(count: 0, unknownIDs: [ids[0]]))
    // What waits is not in delivery.
    #expect(
      try await repository.acknowledge(receiver, messageIDs: ["x", ids[0], ids[2], ids[0]], error: "")
        == Acknowledgement(count: 1, unknownIDs: ["x", ids[2], ids[0]]))
    #expect(try await mailbox.texts() == ["c"])
    mailbox.close()
    let again = try await repository.receive(receiver, inDeliveryMax: 0)
    #expect(try await again.texts() == ["b", "c"])
    again.close()
    #expect(
      try await refusal { try await repository.acknowledge(strangeID, messageIDs: [], error: "") }
        == .notFound(strangeID))
  },
  ConformanceCase("Several receivers share a session's messages, each in its turn") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    var mailboxes: [MessageMailbox] = []
    for _ in 0..<3 { mailboxes.append(try await repository.receive(receiver, inDeliveryMax: 4)) }
    for number in 0..<14 { try await repository.send("\(number)", to: receiver) }
    #expect(mailboxes.map(\.count) == [4, 4, 4])
    var texts: [String] = []
    for mailbox in mailboxes { texts += try await mailbox.texts() }
    #expect(Set(texts) == Set((0..<12).map { "\($0)" }))
    // One that settles what it has gets more.
    let last = try await repository.receive(receiver, inDeliveryMax: 1)
    #expect(try await last.texts() == ["12"])
    for mailbox in mailboxes + [last] { mailbox.close() }
  },
  ConformanceCase("What a receiver held that closes goes to another at once, and counts as a delivery") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let first = try await repository.receive(receiver, inDeliveryMax: 2)
    try await repository.send("a", "b", to: receiver)
    let second = try await repository.receive(receiver, inDeliveryMax: 2)
    try await repository.send("c", to: receiver)
    // One was taken, one was not.
    #expect(try await first.next()?.message.text == "a")
    #expect(try await second.texts() == ["c"])
    first.close()
    first.close()
    try await fixture.look()
    #expect(try await second.take().map(\.deliveryAttempt) == [2])
    second.close()
    let third = try await repository.receive(receiver, inDeliveryMax: 0)
    let taken = try await third.take()
    #expect(taken.map(\.text) == ["a", "b", "c"] && taken.map(\.deliveryAttempt) == [3, 2, 2])
    #expect(try await repository.acknowledge(taken)?.count == 3)
    third.close()
  },
  ConformanceCase("A closed mailbox gives nothing out any more") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", to: receiver)
    mailbox.close()
    #expect(try await refusal { try await mailbox.next() } == .closed)
  },
  ConformanceCase("A receiver whose task is cancelled waits no longer") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    let mailbox = try await fixture.repository.receive(receiver, inDeliveryMax: 0)
    let waiting = Task { try await refusal { try await mailbox.next() } }
    waiting.cancel()
    #expect(try await waiting.value == .cancelled)
    mailbox.close()
  },
  ConformanceCase("Receiving, being delivered to and acknowledging are activity", options: .patient) {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    try await fixture.pass(.seconds(200))
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    #expect(try await repository.session(receiver).lastActivityTime == fixture.clock.now())
    try await fixture.pass(.seconds(200))
    try await repository.send("a", to: receiver)
    #expect(try await repository.session(receiver).lastActivityTime == fixture.clock.now())
    try await fixture.pass(.seconds(200))
    // What comes of it later is activity, too.
    try await repository.acknowledge(try await mailbox.take(), error: "later")
    #expect(try await repository.session(receiver).lastActivityTime == fixture.clock.now())
    try await fixture.pass(.seconds(200))
    #expect(mailbox.count == 1)
    try await repository.acknowledge(try await mailbox.take())
    try await fixture.pass(.seconds(299))
    #expect(try await repository.session(receiver).status == .active)
    let revision = try await repository.session(receiver).revision
    // An open mailbox alone is none.
    try await fixture.pass(.seconds(1))
    #expect(try await repository.session(receiver).status == .idle)
    #expect(try await repository.history(after: revision).map(\.reason) == ["inactivity timeout"])
    mailbox.close()
  },
]
