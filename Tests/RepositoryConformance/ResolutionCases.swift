import SessionDomain
import Testing

/// An affinity of targets that can take work, and short ways to resolve it.
private struct Team: Sendable {
  let fixture: RepositoryFixture
  let owner: SessionID
  let targets: [SessionID]

  init(
    _ fixture: RepositoryFixture, _ count: Int = 3, _ change: (inout AffinityDraft) -> Void = { _ in }
  ) async throws {
    self.fixture = fixture
    owner = try await fixture.repository.create("owner", .director).id
    var targets: [SessionID] = []
    for number in 0..<count {
      targets.append(try await fixture.repository.create("t\(number)", .department).id)
      try await fixture.repository.move(targets[number], to: .active)
      try await fixture.register(targets[number])
    }
    self.targets = targets
    _ = try await fixture.repository.setAffinity(.of(owner, targets, change: change))
  }

  /// The number of the target that is picked.
  func resolve(_ key: String = "") async throws -> Int? {
    let choice = try await fixture.repository.resolveAffinity(of: owner, key: key)
    return targets.firstIndex(of: choice.targetID)
  }

  func resolve(times count: Int) async throws -> [Int?] {
    var numbers: [Int?] = []
    for _ in 0..<count { numbers.append(try await resolve()) }
    return numbers
  }

  /// Has the first target tell of ten tasks, so many of which failed, and nothing of those before.
  func report(errors: Int64) async throws {
    fixture.monotonicClock.advance(by: .seconds(60))
    let report = ActivityReport(sessionID: targets[0], tasksProcessed: 10, tasksFailed: errors)
    #expect(fixture.repository.report(report) == .accepted)
  }

  func refusedExplanation() async throws -> String? {
    let error = try await refusal { try await fixture.repository.resolveAffinity(of: owner, key: "k") }
    guard case .noTarget(owner, let explanation)? = error else { return nil }
    return explanation
  }
}

extension RepositoryFixture {
  fileprivate func register(_ id: SessionID, isDraining: Bool = false) async throws {
    try await setRegistration(
      id, Registration(messageTypes: [], priority: nil, registerTime: clock.now(), isDraining: isDraining))
  }
}

let resolutionCases = [
  ConformanceCase("ROUND_ROBIN goes in the order given, and resolving takes the turn") { (fixture) async throws in
    let team = try await Team(fixture)
    #expect(try await team.resolve(times: 7) == [0, 1, 2, 0, 1, 2, 0])
    #expect(try await fixture.repository.sequences().newest == 7)
    let choice = try await fixture.repository.resolveAffinity(of: team.owner, key: "")
    #expect(
      choice.explanation
        == "\(team.targets[1]) is next in the order given; \(team.targets[0]) comes later; "
        + "\(team.targets[2]) comes later")
  },
  ConformanceCase("Many resolutions at once each take a turn of their own") { (fixture) async throws in
    let team = try await Team(fixture)
    let counts = try await withThrowingTaskGroup(of: Int?.self) { group in
      for _ in 0..<90 { group.addTask { try await team.resolve() } }
      return try await group.reduce(into: [0, 0, 0]) { counts, number in counts[number ?? 0] += 1 }
    }
    #expect(counts == [30, 30, 30])
  },
  ConformanceCase("WEIGHTED is smooth: A A B A") { (fixture) async throws in
    let team = try await Team(fixture, 2) { draft in
      draft.strategy = AffinityStrategy.weighted.rawValue
      draft.targets[0].weight = 3
    }
    #expect(try await team.resolve(times: 8) == [0, 0, 1, 0, 0, 0, 1, 0])
  },
  ConformanceCase("LEAST_LOADED takes one of the shortest queues") { (fixture) async throws in
    let team = try await Team(fixture) { $0.strategy = AffinityStrategy.leastLoaded.rawValue }
    #expect(try await team.resolve(times: 4) == [0, 1, 2, 0])
  },
  ConformanceCase("CONSISTENT_HASH moves only the keys of the targets that came or went") { (fixture) async throws in
    let team = try await Team(fixture, 4) { $0.strategy = AffinityStrategy.consistentHash.rawValue }
    func owners() async throws -> [Int?] {
      var owners: [Int?] = []
      for number in 0..<100 { owners.append(try await team.resolve("key-\(number)")) }
      return owners
    }
    let before = try await owners()
    #expect(Set(before) == [0, 1, 2, 3])
    #expect(try await owners() == before)
    try await fixture.repository.remove(team.targets[2])
    for (old, new) in zip(before, try await owners()) { #expect(old == 2 ? new != 2 : new == old) }
    // Set anew, without one and in another order.
    _ = try await fixture.repository.setAffinity(
      .of(team.owner, team.targets[3], team.targets[0]) { $0.strategy = AffinityStrategy.consistentHash.rawValue })
    for (old, new) in zip(before, try await owners()) where old == 0 || old == 3 { #expect(new == old) }
  },
  ConformanceCase("CONSISTENT_HASH needs a key") { (fixture) async throws in
    let team = try await Team(fixture) { $0.strategy = AffinityStrategy.consistentHash.rawValue }
    let error = try await refusal { try await fixture.repository.resolveAffinity(of: team.owner, key: "") }
    #expect(error?.paths == ["affinity_key"])
  },
  ConformanceCase("A target can take work while it is active or idle, registered, and not draining") {
    (fixture) async throws in
    let team = try await Team(fixture, 2)
    let (first, second) = (team.targets[0], team.targets[1])
    try await fixture.repository.move(first, to: .idle)
    #expect(try await team.resolve(times: 2) == [0, 1])
    try await fixture.register(first, isDraining: true)
    #expect(try await team.resolve(times: 2) == [1, 1])
    try await fixture.setRegistration(first, nil)
    #expect(try await team.resolve(times: 2) == [1, 1])
    let choice = try await fixture.repository.resolveAffinity(of: team.owner, key: "")
    #expect(choice.explanation == "\(second) is next in the order given; \(first) is not registered")
    try await fixture.register(first)
    #expect(try await team.resolve(times: 2) == [0, 1])
    try await fixture.repository.move(first, to: .terminated)
    #expect(try await team.resolve(times: 2) == [1, 1])
    try await fixture.repository.move(second, to: .error)
    #expect(try await team.refusedExplanation() == "\(first) is in TERMINATED; \(second) is in ERROR")
  },
  ConformanceCase("A target whose queue is not below max-queue can take no work") { (fixture) async throws in
    let team = try await Team(fixture, 2)
    func limit(_ constraint: String) async throws {
      let change = SessionChange.of("constraints") { $0.constraints = [constraint] }
      _ = try await fixture.repository.update(team.targets[0], change, expectedRevision: nil)
    }
    try await limit("max-queue:0")
    #expect(try await team.resolve(times: 2) == [1, 1])
    try await limit("max-queue:1")
    #expect(try await team.resolve(times: 2) == [0, 1])
  },
  ConformanceCase("Health is looked at each interval, and counts until the next look") { (fixture) async throws in
    let team = try await Team(fixture, 2)
    #expect(try await team.resolve(times: 2) == [0, 1])
    try await team.report(errors: 10)
    // As of the last look it is well.
    fixture.clock.advance(by: .microseconds(9_999_999))
    #expect(try await team.resolve(times: 2) == [0, 1])
    fixture.clock.advance(by: .microseconds(1))
    #expect(try await team.resolve(times: 2) == [1, 1])
    let choice = try await fixture.repository.resolveAffinity(of: team.owner, key: "")
    #expect(
      choice.explanation.hasSuffix(
        "\(team.targets[0]) was unhealthy when last looked at: error rate 1 is over 0.25 (10 of 10 failed)"))
    try await team.report(errors: 0)
    fixture.clock.advance(by: .microseconds(9_999_999))
    #expect(try await team.resolve(times: 2) == [1, 1])
    fixture.clock.advance(by: .microseconds(1))
    #expect(try await team.resolve(times: 2) == [0, 1])
  },
  ConformanceCase("The interval is the affinity's own, and setting it looks anew") { (fixture) async throws in
    let team = try await Team(fixture, 1) { $0.healthCheckInterval = .milliseconds(500) }
    #expect(try await team.resolve() == 0)
    try await team.report(errors: 10)
    fixture.clock.advance(by: .milliseconds(499))
    #expect(try await team.resolve() == 0)
    fixture.clock.advance(by: .milliseconds(1))
    #expect(try await team.refusedExplanation() != nil)
    try await team.report(errors: 0)
    _ = try await fixture.repository.setAffinity(.of(team.owner, team.targets))
    #expect(try await team.resolve() == 0)
  },
  ConformanceCase("A look that finds no target counts until the next one") { (fixture) async throws in
    let team = try await Team(fixture, 1)
    try await team.report(errors: 10)
    #expect(try await team.refusedExplanation() != nil)
    try await team.report(errors: 0)
    fixture.clock.advance(by: .seconds(9))
    #expect(try await team.refusedExplanation() != nil)
    fixture.clock.advance(by: .seconds(1))
    #expect(try await team.resolve() == 0)
  },
  ConformanceCase("Turns go on when a target is deleted, and start anew when the affinity is set") {
    (fixture) async throws in
    let team = try await Team(fixture, 4)
    #expect(try await team.resolve(times: 2) == [0, 1])
    try await fixture.repository.remove(team.targets[0])
    #expect(try await team.resolve(times: 3) == [2, 3, 1])
    _ = try await fixture.repository.setAffinity(.of(team.owner, Array(team.targets[1...])))
    #expect(try await team.resolve(times: 2) == [1, 2])
  },
  ConformanceCase("Affinities of two sessions take their turns each by itself") { (fixture) async throws in
    let team = try await Team(fixture, 2)
    let other = try await fixture.repository.create("other", .director).id
    _ = try await fixture.repository.setAffinity(.of(other, team.targets))
    #expect(try await team.resolve() == 0)
    #expect(try await fixture.repository.resolveAffinity(of: other, key: "").targetID == team.targets[0])
    #expect(try await team.resolve() == 1)
  },
]
