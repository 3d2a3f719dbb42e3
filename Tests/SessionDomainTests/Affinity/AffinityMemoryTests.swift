import Testing

@testable import SessionDomain

private let owner = SessionID(high: 9, low: 9)

private func affinity(_ strategy: AffinityStrategy, _ states: [TargetState]) -> Affinity {
  Affinity(
    sessionID: owner, targets: states.map(\.target), strategy: strategy, healthCheckInterval: .seconds(10),
    updateTime: Timestamp(microseconds: 0))
}

extension AffinityMemory {
  /// The number of the target that is picked.
  fileprivate mutating func pick(
    _ strategy: AffinityStrategy, _ states: [TargetState], key: String = ""
  ) throws -> Int {
    let choice = try resolve(affinity(strategy, states), states, key: AffinityKey(key))
    return Int(choice.targetID.low)
  }
}

private func name(_ number: Int) -> String { "\(targetState(number).target.sessionID)" }

@Suite struct AffinityMemoryTests {
  private let three = (1...3).map { targetState($0) }

  @Test func `ROUND_ROBIN goes in the order given and passes over those that can take no work`() throws {
    var memory = AffinityMemory()
    #expect(try (0..<4).map { _ in try memory.pick(.roundRobin, three) } == [1, 2, 3, 1])
    let draining = [three[0], targetState(2) { $0.isDraining = true }, three[2]]
    #expect(try (0..<3).map { _ in try memory.pick(.roundRobin, draining) } == [3, 1, 3])
  }

  @Test func `LEAST_LOADED takes the shortest queue, and several such in turn`() throws {
    var memory = AffinityMemory()
    let loads: [Int64] = [4, 2, 7]
    var states = zip(1...3, loads).map { number, load in targetState(number) { $0.queuedMessages = load } }
    #expect(try (0..<3).map { _ in try memory.pick(.leastLoaded, states) } == [2, 2, 2])
    states[1].isRegistered = false
    #expect(try memory.pick(.leastLoaded, states) == 1)
    #expect(try (0..<4).map { _ in try memory.pick(.leastLoaded, three) } == [2, 3, 1, 2])
  }

  @Test func `WEIGHTED is in proportion to the weights of those that can take work`() throws {
    var memory = AffinityMemory()
    var states = three
    states[0].target.weight = 3
    states[2].status = .completed
    #expect(try (0..<8).map { _ in try memory.pick(.weighted, states) } == [1, 1, 2, 1, 1, 1, 2, 1])
  }

  @Test func `CONSISTENT_HASH gives a key to the same target while that can take work`() throws {
    var memory = AffinityMemory()
    let keys = (0..<200).map { "key-\($0)" }
    let before = try keys.map { try memory.pick(.consistentHash, three, key: $0) }
    #expect(Set(before) == [1, 2, 3])
    let without = [three[0], targetState(2) { $0.isDraining = true }, three[2]]
    let during = try keys.map { try memory.pick(.consistentHash, without, key: $0) }
    for (old, new) in zip(before, during) { #expect(old == 2 ? new != 2 : new == old) }
    #expect(try keys.map { try memory.pick(.consistentHash, three, key: $0) } == before)
  }

  @Test func `CONSISTENT_HASH needs a key, which is told before there is no target`() {
    var memory = AffinityMemory()
    for states in [three, []] {
      let error = #expect(throws: SessionError.self) { try memory.pick(.consistentHash, states) }
      guard case .invalidArgument(let violations)? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(violations.map(\.path) == ["affinity_key"])
    }
  }

  @Test(arguments: [AffinityStrategy.roundRobin, .leastLoaded, .weighted])
  func `A key matters to CONSISTENT_HASH only`(strategy: AffinityStrategy) throws {
    var (with, without) = (AffinityMemory(), AffinityMemory())
    for _ in 0..<5 { #expect(try with.pick(strategy, three, key: "k") == without.pick(strategy, three)) }
  }

  @Test func `Without a target that can take work it is told why of each`() {
    var memory = AffinityMemory()
    let states = [targetState(1) { $0.isDraining = true }, targetState(2) { $0.status = .error }]
    #expect(throws: SessionError.noTarget(owner, explanation: "\(name(1)) is draining; \(name(2)) is in ERROR")) {
      try memory.pick(.roundRobin, states)
    }
    #expect(throws: SessionError.noTarget(owner, explanation: "all of its targets were deleted")) {
      try memory.pick(.roundRobin, [])
    }
  }

  @Test func `A resolution that fails takes no turn`() throws {
    var memory = AffinityMemory()
    #expect(try memory.pick(.roundRobin, three) == 1)
    let unable = three.map { state in targetState(state.place) { $0.isRegistered = false } }
    #expect(throws: SessionError.self) { try memory.pick(.roundRobin, unable) }
    #expect(try memory.pick(.roundRobin, three) == 2)
  }

  @Test func `What was unhealthy at the last look is passed over until the next`() throws {
    var memory = AffinityMemory()
    memory.noteLook([three[0].target.sessionID: "error rate 1 is over 0.25"], at: Timestamp(microseconds: 0))
    #expect(try (0..<3).map { _ in try memory.pick(.roundRobin, three) } == [2, 3, 2])
    memory.noteLook([:], at: Timestamp(microseconds: 1))
    #expect(try (0..<3).map { _ in try memory.pick(.roundRobin, three) } == [3, 1, 2])
  }

  @Test func `A look is due at first, after the interval, and when the clock was set back`() {
    var memory = AffinityMemory()
    let start = Timestamp(microseconds: 1_000_000_000)
    #expect(memory.isLookDue(every: .seconds(10), at: start))
    memory.noteLook([:], at: start)
    #expect(!memory.isLookDue(every: .seconds(10), at: start))
    #expect(!memory.isLookDue(every: .seconds(10), at: start.advanced(by: .microseconds(9_999_999))))
    #expect(memory.isLookDue(every: .seconds(10), at: start.advanced(by: .seconds(10))))
    #expect(memory.isLookDue(every: .seconds(5), at: start.advanced(by: .seconds(5))))
    #expect(memory.isLookDue(every: .seconds(10), at: start.advanced(by: .seconds(-1))))
  }
}

/// Why a target was taken, and the others were not.
@Suite struct ExplanationTests {
  private func explanation(
    _ strategy: AffinityStrategy, _ states: [TargetState], key: String = ""
  ) throws -> String {
    var memory = AffinityMemory()
    return try memory.resolve(affinity(strategy, states), states, key: AffinityKey(key)).explanation
  }

  @Test func `Each strategy says why`() throws {
    var states = [targetState(1), targetState(2), targetState(3) { $0.isDraining = true }]
    #expect(
      try explanation(.roundRobin, states)
        == "\(name(1)) is next in the order given; \(name(2)) comes later; \(name(3)) is draining")
    #expect(
      try explanation(.leastLoaded, states)
        == "\(name(1)) is next of those with the shortest queue, 0 messages; \(name(2)) comes later; "
        + "\(name(3)) is draining")
    states[0].queuedMessages = 5
    states[1].queuedMessages = 1
    #expect(
      try explanation(.leastLoaded, states)
        == "\(name(2)) has the shortest queue, 1 message; \(name(1)) has 5 messages queued; \(name(3)) is draining")
    states[1].target.weight = 3
    #expect(
      try explanation(.weighted, states)
        == "\(name(2)) is furthest behind its share of 3 in 4; \(name(1)) is not as far behind its share of 1 in 4; "
        + "\(name(3)) is draining")
    states[0].status = .terminated
    #expect(
      try explanation(.consistentHash, states, key: "k")
        == "\(name(2)) has this key, of the 1 that can take work; \(name(1)) is in TERMINATED; \(name(3)) is draining")
  }

  @Test func `Of many targets some are told`() throws {
    let text = try explanation(.roundRobin, (1...100).map { targetState($0) })
    #expect(text.hasSuffix("; and 67 more"))
    #expect(text.split(separator: "; ").count == 34)
  }
}
