import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

extension ServiceFixture {
  /// Sessions that can take work, or could if they were registered.
  fileprivate func createTargets(_ count: Int, areRegistered: Bool = true) async throws -> [String] {
    var ids: [String] = []
    for number in 0..<count {
      let id = try await create("t\(number)", .department).id
      try await update(id, "status") { $0.status = .active }
      if areRegistered { try await register(id) }
      ids.append(id)
    }
    return ids
  }

  @discardableResult
  fileprivate func setAffinity(
    _ owner: String, _ targets: [String], set: (inout SessionAPI.Affinity) -> Void = { _ in }
  ) async throws -> SessionAPI.Affinity {
    var affinity = SessionAPI.Affinity.with {
      $0.sessionID = owner
      $0.targets = targets.map { id in .with { $0.sessionID = id } }
    }
    set(&affinity)
    let input = affinity
    return try await affinities.setSessionAffinity(.with { $0.affinity = input }).affinity ?? .init()
  }

  fileprivate func resolve(_ owner: String, key: String = "") async throws -> ResolveAffinityResponse {
    try await affinities.resolveAffinity(
      .with {
        $0.sessionID = owner
        $0.affinityKey = key
      })
  }
}

/// AffinityService over a real store.
@Suite(.timeLimit(.minutes(5))) struct AffinityHandlerTests {
  @Test func anAffinityIsSetReadAndDeleted() async throws {
    try await withServices { services in
      let owner = try await services.create("owner", .director).id
      let targets = try await services.createTargets(2)
      let plain = try await services.setAffinity(owner, targets)
      #expect(plain.sessionID == owner && plain.targets.map(\.sessionID) == targets)
      #expect(plain.targets.map(\.weight) == [1, 1] && plain.strategy == .roundRobin)
      #expect(plain.healthCheckInterval == .with { $0.seconds = 10 })
      let set = try await services.setAffinity(owner, targets) {
        $0.targets[1].weight = 3
        $0.strategy = .weighted
        $0.healthCheckInterval = .with {
          $0.seconds = 1
          $0.nanos = 500_000_000
        }
        $0.updateTime = .with { $0.seconds = 1 }
      }
      #expect(set.targets.map(\.weight) == [1, 3] && set.strategy == .weighted)
      #expect(set.healthCheckInterval?.seconds == 1 && set.healthCheckInterval?.nanos == 500_000_000)
      #expect((set.updateTime?.seconds ?? 0) > 1)
      #expect(try await services.affinities.getSessionAffinity(.with { $0.sessionID = owner }).affinity == set)
      _ = try await services.affinities.deleteSessionAffinity(.with { $0.sessionID = owner })
      let missing = Refusal(code: .notFound, reason: "AFFINITY_NOT_FOUND", metadata: ["session_id": owner])
      let gone = try await refusal {
        try await services.affinities.getSessionAffinity(.with { $0.sessionID = owner })
      }
      let again = try await refusal {
        try await services.affinities.deleteSessionAffinity(.with { $0.sessionID = owner })
      }
      #expect(gone == missing && again == missing)
      #expect(try await refusal { try await services.resolve(owner) } == missing)
    }
  }

  @Test func resolvingTakesTheTurnAndSaysWhy() async throws {
    try await withServices { services in
      let owner = try await services.create("owner", .director).id
      let targets = try await services.createTargets(2)
      try await services.setAffinity(owner, targets)
      let first = try await services.resolve(owner)
      #expect(first.targetSessionID == targets[0])
      #expect(first.explanation == "\(targets[0]) is next in the order given; \(targets[1]) comes later")
      #expect(try await services.resolve(owner).targetSessionID == targets[1])
      #expect(try await services.resolve(owner).targetSessionID == targets[0])
    }
  }

  @Test func aKeyGoesToTheSameTarget() async throws {
    try await withServices { services in
      let owner = try await services.create("owner", .director).id
      try await services.setAffinity(owner, try await services.createTargets(3)) { $0.strategy = .consistentHash }
      var owners: Set<String> = []
      for number in 0..<30 {
        let target = try await services.resolve(owner, key: "k\(number)").targetSessionID
        #expect(try await services.resolve(owner, key: "k\(number)").targetSessionID == target)
        owners.insert(target)
      }
      #expect(owners.count == 3)
      #expect(try await violations { try await services.resolve(owner) } == ["affinity_key"])
    }
  }

  @Test func noTargetIsUnavailableAndSaysWhyOfEach() async throws {
    try await withServices { services in
      let owner = try await services.create("owner", .director).id
      let targets = try await services.createTargets(2, areRegistered: false)
      try await services.setAffinity(owner, targets)
      let thrown = await rpcError { try await services.resolve(owner) }
      let error = try #require(thrown)
      #expect(
        try Refusal(error) == Refusal(code: .unavailable, reason: "NO_TARGET", metadata: ["session_id": owner]))
      for target in targets { #expect(error.message.contains("\(target) is not registered")) }
    }
  }

  @Test func everythingWrongWithAnAffinityIsToldAtOnce() async throws {
    try await withServices { services in
      let owner = try await services.create("owner", .director).id
      let watcher = try await services.create("watcher", .observer).id
      let paths = try await violations {
        try await services.setAffinity(owner, [watcher, owner, "nobody", ""]) {
          $0.targets[2].weight = -1
          $0.strategy = .unrecognized(9)
          $0.healthCheckInterval = .with {
            $0.seconds = 1
            $0.nanos = -1
          }
        }
      }
      #expect(
        paths == [
          "affinity.targets[0].session_id", "affinity.targets[1].session_id", "affinity.targets[2].weight",
          "affinity.targets[3].session_id", "affinity.strategy", "affinity.health_check_interval",
        ])
      #expect(try await violations { try await services.affinities.setSessionAffinity(.init()) } == ["affinity"])
      #expect(try await violations { try await services.affinities.getSessionAffinity(.init()) } == ["session_id"])
      #expect(try await violations { try await services.affinities.deleteSessionAffinity(.init()) } == ["session_id"])
      #expect(try await violations { try await services.affinities.resolveAffinity(.init()) } == ["session_id"])
    }
  }

  @Test func sessionsThatAreNotThereAreNotFound() async throws {
    try await withServices { services in
      let owner = try await services.create("owner", .director).id
      let target = try await services.create("target").id
      for (first, second, missing) in [(owner, "nobody", "nobody"), ("nobody", target, "nobody")] {
        let error = try await refusal { try await services.setAffinity(first, [second]) }
        #expect(error == Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": missing]))
      }
      let nobody = try await refusal { try await services.resolve("nobody") }
      #expect(nobody?.reason == "SESSION_NOT_FOUND")
    }
  }

  @Test func switchedOffEveryCallIsRefused() async throws {
    try await withServices({ $0.enableAffinity = false }) { services in
      let disabled = Refusal(
        code: .unimplemented, reason: "FEATURE_DISABLED", metadata: ["setting": "enableAffinity"])
      let refusals = [
        try await refusal { try await services.affinities.setSessionAffinity(.init()) },
        try await refusal { try await services.affinities.getSessionAffinity(.init()) },
        try await refusal { try await services.affinities.deleteSessionAffinity(.init()) },
        try await refusal { try await services.affinities.resolveAffinity(.init()) },
      ]
      #expect(refusals == Array(repeating: disabled, count: 4))
    }
  }

  private static let durations: [(Int64, Int32, Duration?)] = [
    (1, 500_000_000, .milliseconds(1500)), (-1, -500_000_000, .milliseconds(-1500)), (0, -1, .nanoseconds(-1)),
    (1, -1, nil), (-1, 1, nil), (0, 1_000_000_000, nil), (0, -1_000_000_000, nil), (315_576_000_001, 0, nil),
    (.min, 0, nil), (315_576_000_000, 999_999_999, .seconds(315_576_000_000) + .nanoseconds(999_999_999)),
  ]

  @Test(arguments: durations.indices) func durationsAreReadAsTheirProtoSays(index: Int) {
    let (seconds, nanos, expected) = Self.durations[index]
    let duration = Google_Protobuf_Duration.with {
      $0.seconds = seconds
      $0.nanos = nanos
    }
    #expect(duration.duration == expected)
    if let expected { #expect(Google_Protobuf_Duration(expected) == duration) }
  }
}
