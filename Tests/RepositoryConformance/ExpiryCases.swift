import SessionDomain
import Testing

extension RepositoryFixture {
  fileprivate func send(_ text: String, to receiver: SessionID, expiringIn duration: Duration) async throws {
    let time = clock.now().advanced(by: duration)
    _ = try await repository.send(.text(text, to: receiver).with { $0.expireTime = time }, request: nil)
  }
}

let expiryCases = [
  ConformanceCase("A message that waits is a dead letter when it expires, after 24 hours or at its own time") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver { $0.constraints = ["timeout:0"] }
    try await repository.send("day", to: receiver)
    try await fixture.send("second", to: receiver, expiringIn: .seconds(1))
    try await fixture.pass(.milliseconds(999))
    #expect(try await repository.deadLetters(of: receiver) == [])
    try await fixture.pass(.milliseconds(1))
    #expect(try await repository.deadLetters(of: receiver) == ["second: expired"])
    try await fixture.pass(.milliseconds(86_398_999))
    #expect(try await repository.deadLetters(of: receiver).count == 1)
    try await fixture.pass(.milliseconds(1))
    #expect(try await repository.deadLetters(of: receiver) == ["second: expired", "day: expired"])
    #expect(try await repository.deregister(receiver, timeout: nil).undeliveredCount == 0)
  },
  ConformanceCase("What has expired is not delivered, and the rest comes in order") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    for number in 0..<9 {
      try await fixture.send("\(number)", to: receiver, expiringIn: .seconds(number % 3 == 0 ? 1 : 100))
    }
    fixture.clock.advance(by: .seconds(1))
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    #expect(try await mailbox.texts() == ["1", "2", "4", "5", "7", "8"])
    #expect(try await repository.deadLetters(of: receiver) == ["0: expired", "3: expired", "6: expired"])
    mailbox.close()
  },
  ConformanceCase("A message in delivery may be acknowledged after it expired, and does not come again if it fails") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    for text in ["a", "b", "c"] { try await fixture.send(text, to: receiver, expiringIn: .seconds(1)) }
    let taken = try await mailbox.take()
    try await fixture.pass(.seconds(5))
    #expect(try await repository.deadLetters(of: receiver) == [])
    #expect(try await repository.acknowledge([taken[0]])?.count == 1)
    #expect(try await repository.acknowledge([taken[1]], error: "late")?.count == 1)
    try await fixture.look()
    #expect(try await repository.deadLetters(of: receiver) == ["b: expired"])
    // Given back, it has expired, too.
    mailbox.close()
    try await fixture.look()
    #expect(try await repository.deadLetters(of: receiver) == ["b: expired", "c: expired"])
    #expect(try await repository.shutDown(receiver, GracefulShutdown(timeout: .zero)).status == .terminated)
  },
  ConformanceCase("A message that waits to be tried again expires, too") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    try await fixture.send("a", to: receiver, expiringIn: .milliseconds(500))
    try await repository.acknowledge(try await mailbox.take(), error: "later")
    try await fixture.pass(.milliseconds(500))
    #expect(try await repository.deadLetters(of: receiver) == ["a: expired"])
    try await fixture.pass(.seconds(1))
    #expect(mailbox.count == 0)
    mailbox.close()
  },
  ConformanceCase("Many that expire at once all go, beside those in delivery") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1000)
    for number in 0..<600 { try await fixture.send("\(number)", to: receiver, expiringIn: .seconds(1)) }
    // The mailbox has 64 of them.
    for _ in 0..<4 { try await fixture.pass(.seconds(1)) }
    let page = try await repository.deadLetters(of: receiver, pageSize: 1000, pageToken: "")
    #expect(page.deadLetters.map(\.message.text) == (64..<600).map { "\($0)" })
    #expect(try await repository.acknowledge(try await mailbox.take())?.count == 64)
    mailbox.close()
  },
  ConformanceCase("However many have expired at once, none of them is delivered") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    for number in 0..<600 { try await fixture.send("\(number)", to: receiver, expiringIn: .seconds(100)) }
    try await repository.send("good", to: receiver)
    fixture.clock.advance(by: .seconds(100))
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 0)
    for _ in 0..<2 { try await fixture.look() }
    #expect(try await mailbox.texts() == ["good"])
    let page = try await repository.deadLetters(of: receiver, pageSize: 1000, pageToken: "")
    #expect(page.deadLetters.count == 600 && page.deadLetters.allSatisfy { $0.reason == "expired" })
    mailbox.close()
  },
]
