import SessionDomain
import Testing

extension RepositoryOptions {
  fileprivate static func capacity(_ set: (inout ResourceCapacity) -> Void) -> RepositoryOptions {
    var options = RepositoryOptions()
    set(&options.capacity)
    return options
  }
}

let resourceCases = [
  ConformanceCase("Resources are allocated in the server's units, and told of") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    fixture.clock.advance(by: .seconds(1))
    let allocated = try await fixture.repository.initialize(
      session.id, ResourceDraft(memory: "512m", cpu: "1.5", disk: "1gib"))
    #expect(
      allocated.resources
        == ResourceAllocation(memoryBytes: 512 << 20, cpuMillicores: 1500, diskBytes: 1 << 30))
    #expect(allocated.status == .initializing && allocated.revision == 2)
    // No activity: what counts as such is listed.
    #expect(allocated.lastActivityTime == session.lastActivityTime && allocated.updateTime == fixture.clock.now())
    let event = try #require(try await fixture.repository.history().last)
    #expect(event.kind == .updated && event.changedFields == ["resources"] && event.newStatus == .initializing)
    #expect(try await fixture.repository.session(session.id) == allocated)
  },
  ConformanceCase("Another allocation replaces the first, the same one changes nothing") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    let first = try await fixture.repository.initialize(session.id, ResourceDraft(memory: "1g", cpu: "2"))
    #expect(try await fixture.repository.initialize(session.id, ResourceDraft(memory: "1024m", cpu: "2000m")) == first)
    #expect(try await fixture.repository.sequences().newest == 2)
    let second = try await fixture.repository.initialize(session.id, ResourceDraft(disk: "5k"))
    #expect(second.resources == ResourceAllocation(memoryBytes: 0, cpuMillicores: 0, diskBytes: 5120))
    #expect(second.revision == 3)
  },
  ConformanceCase("Every wrong amount is told at once, before the session is looked for") { (fixture) async throws in
    let error = try await refusal {
      try await fixture.repository.initialize(strangeID, ResourceDraft(memory: "lots", cpu: "-1", disk: "1x"))
    }
    #expect(error?.paths == ["resources.memory", "resources.cpu", "resources.disk"])
    let missing = try await refusal { try await fixture.repository.initialize(strangeID, ResourceDraft()) }
    #expect(missing == .notFound(strangeID))
  },
  ConformanceCase("An allocation is for sessions that are initializing") { (fixture) async throws in
    for status in SessionStatus.allCases where status != .initializing {
      let session = try await fixture.repository.create(in: status)
      let error = try await refusal {
        try await fixture.repository.initialize(session.id, ResourceDraft(memory: "1g"))
      }
      #expect(error == .illegalTransition(from: status, to: .initializing, allowed: status.allowedMoves))
      #expect(try await fixture.repository.session(session.id) == session)
    }
  },
  ConformanceCase("An allocation over a constraint is refused, one at it is not") { (fixture) async throws in
    let session = try await fixture.repository.create("a") { draft in
      draft.constraints = ["max-memory:1g", "max-cpu:2", "max-disk:10g"]
    }
    let wrong = [
      (ResourceDraft(memory: "1073741825"), "max-memory", Int64(1 << 30) + 1, Int64(1 << 30)),
      (ResourceDraft(memory: "1g", cpu: "2001m"), "max-cpu", 2001, 2000),
      (ResourceDraft(disk: "11g"), "max-disk", 11 << 30, 10 << 30),
    ]
    for (draft, constraint, allocated, allowed) in wrong {
      let error = try await refusal { try await fixture.repository.initialize(session.id, draft) }
      #expect(error == .constraintExceeded(constraint: constraint, allocated: allocated, allowed: allowed))
    }
    _ = try await fixture.repository.initialize(session.id, ResourceDraft(memory: "1g", cpu: "2", disk: "10g"))
  },
  ConformanceCase("A constraint is told before the capacity", options: .capacity { $0.memoryBytes = 10 }) {
    (fixture) async throws in
    let session = try await fixture.repository.create("a") { $0.constraints = ["max-memory:5"] }
    let error = try await refusal { try await fixture.repository.initialize(session.id, ResourceDraft(memory: "20")) }
    #expect(error == .constraintExceeded(constraint: "max-memory", allocated: 20, allowed: 5))
  },
  ConformanceCase(
    "The capacity bounds the sum of all allocations, to the byte",
    options: .capacity {
      $0.memoryBytes = 100
      $0.cpuMillicores = 1000
      $0.diskBytes = 50
    }
  ) { (fixture) async throws in
    let repository = fixture.repository
    let (first, second) = (try await repository.create("a"), try await repository.create("b"))
    _ = try await repository.initialize(first.id, ResourceDraft(memory: "60", cpu: "0.4"))
    func refused(_ draft: ResourceDraft) async throws -> CapacityShortage? {
      let error = try await refusal { try await repository.initialize(second.id, draft) }
      guard case .capacityExceeded(let shortage) = error else { return nil }
      return shortage
    }
    #expect(
      try await refused(ResourceDraft(memory: "41"))
        == CapacityShortage(setting: "capacityMemory", requested: 41, available: 40, capacity: 100))
    #expect(
      try await refused(ResourceDraft(cpu: "601m"))
        == CapacityShortage(setting: "capacityCpu", requested: 601, available: 600, capacity: 1000))
    #expect(
      try await refused(ResourceDraft(disk: "51"))
        == CapacityShortage(setting: "capacityDisk", requested: 51, available: 50, capacity: 50))
    #expect(try await repository.session(second.id) == second)
    _ = try await repository.initialize(second.id, ResourceDraft(memory: "40", cpu: "0.6", disk: "50"))
    // What a session has is its own to exchange.
    _ = try await repository.initialize(first.id, ResourceDraft(memory: "60"))
    #expect(
      try await refusal { try await repository.initialize(first.id, ResourceDraft(memory: "61")) }
        == .capacityExceeded(
          CapacityShortage(setting: "capacityMemory", requested: 61, available: 60, capacity: 100)))
  },
  ConformanceCase("Without a capacity, sums go as far as numbers do") { (fixture) async throws in
    let repository = fixture.repository
    let (first, second) = (try await repository.create("a"), try await repository.create("b"))
    _ = try await repository.initialize(first.id, ResourceDraft(memory: "9223372036854775807"))
    let error = try await refusal { try await repository.initialize(second.id, ResourceDraft(memory: "1")) }
    #expect(
      error
        == .capacityExceeded(
          CapacityShortage(setting: "capacityMemory", requested: 1, available: 0, capacity: .max)))
  },
  ConformanceCase(
    "What a finished session has stays counted until it is cleaned up or deleted",
    options: .capacity { $0.memoryBytes = 100 }
  ) { (fixture) async throws in
    let repository = fixture.repository
    let (first, second, third) = (
      try await repository.create("a"), try await repository.create("b"), try await repository.create("c")
    )
    for id in [first.id, second.id] { _ = try await repository.initialize(id, ResourceDraft(memory: "50")) }
    for id in [first.id, second.id] { try await repository.move(id, to: .active, .completed) }
    let shortage = CapacityShortage(setting: "capacityMemory", requested: 50, available: 0, capacity: 100)
    let early = try await refusal { try await repository.initialize(third.id, ResourceDraft(memory: "50")) }
    #expect(early == .capacityExceeded(shortage))
    _ = try await repository.cleanUp(first.id)
    _ = try await repository.initialize(third.id, ResourceDraft(memory: "50"))
    let fourth = try await repository.create("d")
    let full = try await refusal { try await repository.initialize(fourth.id, ResourceDraft(memory: "1")) }
    #expect(
      full
        == .capacityExceeded(CapacityShortage(setting: "capacityMemory", requested: 1, available: 0, capacity: 100)))
    _ = try await repository.delete(second.id, force: false, allowMissing: false, expectedRevision: nil)
    _ = try await repository.initialize(fourth.id, ResourceDraft(memory: "50"))
  },
  ConformanceCase(
    "Of many allocations at once as many succeed as there is room for", options: .capacity { $0.cpuMillicores = 7000 }
  ) { (fixture) async throws in
    let repository = fixture.repository
    var ids: [SessionID] = []
    for number in 0..<20 { ids.append(try await repository.create("s\(number)").id) }
    let successes = await withTaskGroup(of: Bool.self) { group in
      for id in ids {
        group.addTask {
          do throws(SessionError) {
            _ = try await repository.initialize(id, ResourceDraft(cpu: "1"))
            return true
          } catch {
            return false
          }
        }
      }
      return await group.reduce(0) { $1 ? $0 + 1 : $0 }
    }
    #expect(successes == 7)
  },
  ConformanceCase("Clean-up gives back what was allocated, needs a final status, and may be repeated") {
    (fixture) async throws in
    let repository = fixture.repository
    for status in SessionStatus.allCases where !status.isFinal {
      let session = try await repository.create(in: status)
      let error = try await refusal { try await repository.cleanUp(session.id) }
      #expect(error == .notFinished(session.id, status: status))
    }
    let session = try await repository.create("a")
    _ = try await repository.initialize(session.id, ResourceDraft(memory: "1g"))
    try await repository.move(session.id, to: .active, .completed)
    let before = try await repository.session(session.id)
    #expect(before.resources != nil)
    let cleaned = try await repository.cleanUp(session.id)
    #expect(cleaned.resources == nil && cleaned.status == .completed && cleaned.revision == before.revision + 1)
    let event = try #require(try await repository.history().last)
    #expect(event.kind == .updated && event.changedFields == ["resources"])
    #expect(try await repository.cleanUp(session.id) == cleaned)
    #expect(try await repository.sequences().newest == cleaned.revision)
    #expect(try await refusal { try await repository.cleanUp(strangeID) } == .notFound(strangeID))
  },
]
