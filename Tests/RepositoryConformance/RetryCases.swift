import SessionDomain
import Testing

extension RepositoryOptions {
  fileprivate static func retries(_ count: Int) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.maxRetries = count
    return options
  }

  fileprivate static func retryDelay(_ delay: Duration) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.retryDelay = delay
    return options
  }
}

let retryCases = [
  ConformanceCase("What is not acknowledged in time is delivered again after the delay") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", to: receiver)
    let first = try #require(try await mailbox.next())
    try await fixture.pass(.milliseconds(29_999))
    try await fixture.pass(.milliseconds(999))
    #expect(mailbox.count == 0)
    // Its time was over when the clock was looked at, a second late.
    try await fixture.pass(.milliseconds(999))
    #expect(mailbox.count == 0)
    let id = first.message.id.description
    #expect(
      try await repository.acknowledge(receiver, messageIDs: [id], error: "")
        == Acknowledgement(count: 0, unknownIDs: [id]))
    try await fixture.pass(.milliseconds(1))
    let second = try #require(try await mailbox.next())
    #expect(second.message.id == first.message.id && second.message.deliveryAttempt == 2)
    #expect(second.ackDeadline == fixture.clock.now().advanced(by: .seconds(30)))
    try await repository.acknowledge([second.message])
    try await fixture.pass(.seconds(3600))
    #expect(mailbox.count == 0)
    mailbox.close()
  },
  ConformanceCase("A message that is acknowledged in its last moment does not come again") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", to: receiver)
    let taken = try await mailbox.take()
    fixture.monotonicClock.advance(by: .seconds(30))
    // The batch that looks at the clock has the acknowledgement in it.
    #expect(try await repository.acknowledge(taken)?.count == 1)
    try await fixture.pass(.seconds(60))
    #expect(mailbox.count == 0)
    mailbox.close()
  },
  ConformanceCase("What fails is delivered again after the delay, three times, and is a dead letter then") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", to: receiver)
    for attempt in 1...4 {
      let taken = try await mailbox.take()
      #expect(taken.map(\.deliveryAttempt) == [attempt])
      #expect(
        try await repository.acknowledge(taken, error: "e\(attempt)") == Acknowledgement(count: 1, unknownIDs: []))
      try await fixture.pass(.milliseconds(999))
      #expect(mailbox.count == 0)
      try await fixture.pass(.milliseconds(1))
    }
    #expect(mailbox.count == 0)
    let page = try await repository.deadLetters(of: receiver, pageSize: 0, pageToken: "")
    #expect(page.deadLetters.map(\.reason) == ["failed after 4 deliveries: e4"])
    #expect(page.deadLetters.map(\.message.deliveryAttempt) == [4])
    #expect(page.deadLetters.map(\.time) == [fixture.clock.now().advanced(by: .seconds(-1))])
    #expect(try await repository.shutDown(receiver, GracefulShutdown(timeout: .zero)).status == .terminated)
    mailbox.close()
  },
  ConformanceCase("The delay is the one that was set", options: .retryDelay(.seconds(5))) { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", to: receiver)
    try await repository.acknowledge(try await mailbox.take(), error: "e")
    try await fixture.pass(.milliseconds(4999))
    #expect(mailbox.count == 0)
    try await fixture.pass(.milliseconds(1))
    #expect(try await mailbox.take().map(\.deliveryAttempt) == [2])
    mailbox.close()
  },
  ConformanceCase("Whether it failed or ran out of time counts the same") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", to: receiver)
    for attempt in 1...4 {
      let taken = try await mailbox.take()
      #expect(taken.map(\.deliveryAttempt) == [attempt])
      if attempt % 2 == 1 { try await repository.acknowledge(taken, error: "e") }
      if attempt % 2 == 0 { try await fixture.pass(.seconds(30)) }
      try await fixture.pass(.seconds(1))
    }
    #expect(
      try await repository.deadLetters(of: receiver) == ["a: not acknowledged within 30000 ms, after 4 deliveries"])
    mailbox.close()
  },
  ConformanceCase("Who had a message before may settle it while it is in delivery again") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let slow = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("a", to: receiver)
    let taken = try await slow.take()
    let other = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("b", to: receiver)
    try await repository.acknowledge(try await other.take())
    try await fixture.pass(.seconds(30))
    try await fixture.pass(.seconds(1))
    #expect(slow.count + other.count == 1)
    #expect(try await repository.acknowledge(taken)?.count == 1)
    // It is not given to whom it was on its way.
    #expect(slow.count + other.count == 0)
    try await fixture.pass(.seconds(60))
    #expect(slow.count + other.count == 0)
    for mailbox in [slow, other] { mailbox.close() }
  },
  ConformanceCase("Without retries the first failure is the last", options: .retries(0)) { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", "b", to: receiver)
    let taken = try await mailbox.take()
    try await repository.acknowledge([taken[0]], error: "broken")
    try await fixture.pass(.seconds(30))
    #expect(
      try await repository.deadLetters(of: receiver) == [
        "a: failed after 1 deliveries: broken", "b: not acknowledged within 30000 ms, after 1 deliveries",
      ])
    mailbox.close()
  },
  ConformanceCase("What was given back does not count towards the retries", options: .retries(1)) {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    try await repository.send("a", to: receiver)
    for attempt in 1...5 {
      let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
      #expect(try await mailbox.take().map(\.deliveryAttempt) == [attempt])
      mailbox.close()
      try await fixture.look()
    }
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.acknowledge(try await mailbox.take(), error: "first")
    #expect(try await repository.deadLetters(of: receiver) == [])
    try await fixture.pass(.seconds(1))
    try await repository.acknowledge(try await mailbox.take(), error: "second")
    #expect(try await repository.deadLetters(of: receiver) == ["a: failed after 7 deliveries: second"])
    mailbox.close()
  },
  ConformanceCase("A message that waits to be tried again lets others pass") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    try await repository.send("a", "b", "c", to: receiver)
    try await repository.acknowledge(try await mailbox.take(), error: "later")
    #expect(try await mailbox.texts() == ["b"])
    try await fixture.pass(.seconds(1))
    // There is no room for it before.
    #expect(mailbox.count == 0)
    mailbox.close()
    try await fixture.look()
    let again = try await repository.receive(receiver, inDeliveryMax: 0)
    #expect(try await again.texts() == ["a", "b", "c"])
    again.close()
  },
  ConformanceCase("A receiver that does not take what it is given gets no more of it") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let stuck = try await repository.receive(receiver, inDeliveryMax: 0)
    try await repository.send("a", "b", to: receiver)
    #expect(stuck.count == 2)
    try await fixture.pass(.seconds(30))
    #expect(stuck.count == 0)
    try await fixture.pass(.seconds(1))
    #expect(stuck.count == 0)
    let other = try await repository.receive(receiver, inDeliveryMax: 0)
    let taken = try await other.take()
    #expect(taken.map(\.text) == ["a", "b"] && taken.map(\.deliveryAttempt) == [2, 2])
    other.close()
    // Once it takes again, it is given again.
    async let next = stuck.next()
    #expect(try await next?.message.text == "a")
    stuck.close()
  },
]
