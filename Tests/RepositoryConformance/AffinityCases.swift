import SessionDomain
import Testing

extension AffinityDraft {
  static func of(
    _ owner: SessionID, _ targets: SessionID..., change: (inout AffinityDraft) -> Void = { _ in }
  ) -> AffinityDraft {
    of(owner, targets, change: change)
  }

  static func of(
    _ owner: SessionID, _ targets: [SessionID], change: (inout AffinityDraft) -> Void = { _ in }
  ) -> AffinityDraft {
    var draft = AffinityDraft(
      sessionID: owner.description, targets: targets.map { .init(sessionID: $0.description) })
    change(&draft)
    return draft
  }
}

extension SessionRepository {
  fileprivate func createIDs(_ count: Int) async throws -> [SessionID] {
    var ids: [SessionID] = []
    for number in 0..<count { ids.append(try await create("s\(number)", .department).id) }
    return ids
  }

  func remove(_ id: SessionID) async throws {
    _ = try await delete(id, force: true, allowMissing: false, expectedRevision: nil)
  }
}

let affinityCases = [
  ConformanceCase("An affinity is kept with all of its input, and is no event") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(3)
    fixture.clock.advance(by: .seconds(1))
    let affinity = try await repository.setAffinity(
      .of(ids[0], ids[2], ids[1]) { draft in
        draft.targets[1].weight = 3
        draft.strategy = AffinityStrategy.weighted.rawValue
        draft.healthCheckInterval = .seconds(5) + .nanoseconds(7)
      })
    #expect(affinity.sessionID == ids[0] && affinity.strategy == .weighted)
    #expect(affinity.targets == [AffinityTarget(sessionID: ids[2]), AffinityTarget(sessionID: ids[1], weight: 3)])
    #expect(affinity.healthCheckInterval == .seconds(5) + .nanoseconds(7))
    #expect(affinity.updateTime == fixture.clock.now())
    #expect(try await repository.affinity(of: ids[0]) == affinity)
    #expect(try await repository.sequences().newest == 3)
    #expect(try await repository.session(ids[0]).updateTime < affinity.updateTime)
  },
  ConformanceCase("An affinity without more goes in turn, and looks at its targets every 10 s") {
    (fixture) async throws in
    let ids = try await fixture.repository.createIDs(2)
    let affinity = try await fixture.repository.setAffinity(.of(ids[0], ids[1]))
    #expect(affinity.strategy == .roundRobin && affinity.targets.map(\.weight) == [1])
    #expect(affinity.healthCheckInterval == .seconds(10))
  },
  ConformanceCase("Setting an affinity again replaces all of it") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(4)
    _ = try await repository.setAffinity(.of(ids[0], ids[1], ids[2]) { $0.strategy = 2 })
    fixture.clock.advance(by: .seconds(1))
    let second = try await repository.setAffinity(.of(ids[0], ids[3]))
    #expect(try await repository.affinity(of: ids[0]) == second)
    #expect(second.targets.map(\.sessionID) == [ids[3]] && second.strategy == .roundRobin)
    #expect(second.updateTime == fixture.clock.now())
  },
  ConformanceCase("Every violation of an affinity is told at once, observers among the targets too") {
    (fixture) async throws in
    let repository = fixture.repository
    let owner = try await repository.create("o", .director).id
    let watcher = try await repository.create("w", .observer).id
    let error = try await refusal {
      try await repository.setAffinity(
        .of(owner, watcher, owner, strangeID, strangeID) { draft in
          draft.targets[0].weight = -1
          draft.strategy = 9
          draft.healthCheckInterval = .zero
        })
    }
    #expect(
      error?.paths == [
        "affinity.targets[0].session_id", "affinity.targets[0].weight", "affinity.targets[1].session_id",
        "affinity.targets[3].session_id", "affinity.strategy", "affinity.health_check_interval",
      ])
    let empty = try await refusal { try await repository.setAffinity(AffinityDraft(sessionID: "", targets: [])) }
    #expect(empty?.paths == ["affinity.session_id", "affinity.targets"])
    #expect(try await refusal { try await repository.affinity(of: owner) } == .affinityNotFound(owner))
  },
  ConformanceCase("An observer or the session itself as a target is an invalid argument") { (fixture) async throws in
    let repository = fixture.repository
    let owner = try await repository.create("o", .director).id
    let watcher = try await repository.create("w", .observer).id
    for target in [owner, watcher] {
      // What is wrong comes before what is not found.
      let draft = AffinityDraft.of(owner, target, strangeID) { $0.targets.append(.init(sessionID: "department-1")) }
      let error = try await refusal { try await repository.setAffinity(draft) }
      #expect(error?.paths == ["affinity.targets[0].session_id"])
    }
  },
  ConformanceCase("The session and its targets must exist") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(2)
    #expect(try await refusal { try await repository.setAffinity(.of(strangeID, ids[1])) } == .notFound(strangeID))
    #expect(
      try await refusal { try await repository.setAffinity(.of(ids[0], ids[1], strangeID)) } == .notFound(strangeID))
    let draft = AffinityDraft.of(ids[0], ids[1]) { $0.targets.append(.init(sessionID: "department-1")) }
    #expect(try await refusal { try await repository.setAffinity(draft) } == .notAnID("department-1"))
    // The first of several, in the order of the fields.
    let several = AffinityDraft.of(strangeID, ids[1]) { $0.targets.append(.init(sessionID: "department-1")) }
    #expect(try await refusal { try await repository.setAffinity(several) } == .notFound(strangeID))
    #expect(try await refusal { try await repository.affinity(of: ids[0]) } == .affinityNotFound(ids[0]))
  },
  ConformanceCase("A refused affinity leaves the one that was") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(2)
    let affinity = try await repository.setAffinity(.of(ids[0], ids[1]))
    _ = try await refusal { try await repository.setAffinity(.of(ids[0], ids[1], strangeID)) }
    #expect(try await repository.affinity(of: ids[0]) == affinity)
  },
  ConformanceCase("No affinity is not found, and neither is that of no session") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(2)
    func errors(of id: SessionID) async throws -> [SessionError?] {
      [
        try await refusal { try await repository.affinity(of: id) },
        try await refusal { try await repository.deleteAffinity(of: id) },
        try await refusal { try await repository.resolveAffinity(of: id, key: "") },
      ]
    }
    #expect(try await errors(of: ids[0]) == Array(repeating: .affinityNotFound(ids[0]), count: 3))
    #expect(try await errors(of: strangeID) == Array(repeating: .notFound(strangeID), count: 3))
    _ = try await repository.setAffinity(.of(ids[0], ids[1]))
    try await repository.deleteAffinity(of: ids[0])
    #expect(try await errors(of: ids[0]) == Array(repeating: .affinityNotFound(ids[0]), count: 3))
  },
  ConformanceCase("An affinity goes with its session") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(2)
    _ = try await repository.setAffinity(.of(ids[0], ids[1]))
    try await repository.remove(ids[0])
    #expect(try await refusal { try await repository.affinity(of: ids[0]) } == .notFound(ids[0]))
    #expect(try await repository.session(ids[1]).status == .initializing)
  },
  ConformanceCase("Targets that are deleted leave every affinity, the others stay in order") { (fixture) async throws in
    let repository = fixture.repository
    let ids = try await repository.createIDs(5)
    _ = try await repository.setAffinity(.of(ids[0], ids[1], ids[2], ids[3]))
    _ = try await repository.setAffinity(.of(ids[4], ids[2]))
    let untouched = try await repository.setAffinity(.of(ids[1], ids[3]))
    fixture.clock.advance(by: .seconds(1))
    try await repository.remove(ids[2])
    let first = try await repository.affinity(of: ids[0])
    #expect(first.targets.map(\.sessionID) == [ids[1], ids[3]] && first.updateTime == fixture.clock.now())
    #expect(try await repository.affinity(of: ids[4]).targets == [])
    #expect(try await repository.affinity(of: ids[1]) == untouched)
    let none = try await refusal { try await repository.resolveAffinity(of: ids[4], key: "") }
    #expect(none == .noTarget(ids[4], explanation: "all of its targets were deleted"))
  },
]
