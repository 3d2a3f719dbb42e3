import SessionDomain
import Testing

extension RepositoryFixture {
  /// The texts in the order in which they come one by one.
  fileprivate func order(of receiver: SessionID) async throws -> [String] {
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 1)
    var texts: [String] = []
    while mailbox.count > 0 {
      let taken = try await mailbox.take()
      texts += taken.map(\.text)
      try await repository.acknowledge(taken)
    }
    mailbox.close()
    return texts
  }
}

let orderCases = [
  ConformanceCase("The highest priority comes first, and the oldest first within it") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    for (number, priority) in [MessagePriority.normal, .low, .critical, .high, .normal, .critical].enumerated() {
      try await fixture.repository.send("\(number)", to: receiver, priority)
    }
    #expect(try await fixture.order(of: receiver) == ["2", "5", "3", "0", "4", "1"])
  },
  ConformanceCase("A message gains one priority for every 60 s it has waited") { (fixture) async throws in
    let repository = fixture.repository
    func order(after waits: [Int64], _ priorities: [MessagePriority]) async throws -> [String] {
      let receiver = try await fixture.createReceiver { $0.constraints = ["timeout:0"] }
      for (wait, priority) in zip(waits, priorities) {
        fixture.clock.advance(by: .milliseconds(wait))
        try await repository.send("\(priority)", to: receiver, priority)
      }
      return try await fixture.order(of: receiver)
    }
    #expect(try await order(after: [0, 59_999], [.low, .normal]) == ["normal", "low"])
    // As urgent, and older.
    #expect(try await order(after: [0, 60_000], [.low, .normal]) == ["low", "normal"])
    #expect(try await order(after: [0, 179_999], [.low, .critical]) == ["critical", "low"])
    #expect(try await order(after: [0, 180_000], [.low, .critical]) == ["low", "critical"])
    // All of them age.
    #expect(try await order(after: [0, 120_000, 0], [.critical, .low, .high]) == ["critical", "high", "low"])
    #expect(try await order(after: [0, 1000, 119_000], [.low, .normal, .high]) == ["low", "normal", "high"])
    #expect(try await order(after: [0, 1000, 120_000], [.low, .normal, .high]) == ["normal", "low", "high"])
  },
  ConformanceCase("No clock that is set back lets a message lose its priority") { (fixture) async throws in
    let receiver = try await fixture.createReceiver()
    try await fixture.repository.send("a", to: receiver, .high)
    fixture.clock.advance(by: .seconds(-3600))
    try await fixture.repository.send("b", to: receiver, .normal)
    #expect(try await fixture.order(of: receiver) == ["a", "b"])
  },
  ConformanceCase("Messages that come back go back to their places") { (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    for number in 0..<10 { try await repository.send("\(number)", to: receiver, number % 3 == 0 ? .high : .normal) }
    let first = try await repository.receive(receiver, inDeliveryMax: 3)
    let second = try await repository.receive(receiver, inDeliveryMax: 3)
    #expect(try await first.texts() == ["0", "3", "6"])
    #expect(try await second.texts() == ["9", "1", "2"])
    second.close()
    first.close()
    try await fixture.look()
    try await repository.send("10", to: receiver, .high)
    #expect(try await fixture.order(of: receiver) == ["0", "3", "6", "9", "10", "1", "2", "4", "5", "7", "8"])
  },
  ConformanceCase("Many messages of many senders keep the order of each sender and priority") {
    (fixture) async throws in
    let repository = fixture.repository
    let receiver = try await fixture.createReceiver()
    var senders: [SessionID] = []
    for number in 0..<3 { senders.append(try await repository.create("s\(number)").id) }
    let mailbox = try await repository.receive(receiver, inDeliveryMax: 5)
    var taken: [Message] = []
    for number in 0..<90 {
      let priority = MessagePriority(rawValue: Int32(number * 7 % 4 + 1))
      try await repository.send("\(number)", to: receiver, priority, from: senders[number % 3])
      guard number % 4 == 3 else { continue }
      let some = try await mailbox.take()
      taken += some
      try await repository.acknowledge(some)
    }
    while mailbox.count > 0 {
      let some = try await mailbox.take()
      taken += some
      try await repository.acknowledge(some)
    }
    #expect(taken.count == 90 && taken.allSatisfy { $0.deliveryAttempt == 1 })
    for sender in senders {
      for priority in MessagePriority.allCases {
        let numbers = taken.filter { $0.senderID == sender && $0.priority == priority }.compactMap { Int($0.text) }
        #expect(numbers.count > 5 && numbers == numbers.sorted())
      }
    }
    mailbox.close()
  },
]
