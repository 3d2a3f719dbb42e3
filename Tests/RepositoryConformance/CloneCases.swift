import SessionDomain
import Testing

private func source(_ fixture: RepositoryFixture) async throws -> Session {
  let parent = try await fixture.repository.create("parent", .director)
  let draft = BootstrapDraft(
    session: SessionDraft(
      type: .department, name: "source", workspace: "/w",
      metadata: ["k": .number(1), "capabilities": .array([.string("x")])], capabilities: ["c"],
      constraints: ["max-memory:2g"], environment: ["E": "1"], parentID: parent.id.description),
    resources: ResourceDraft(memory: "1g", cpu: "2"))
  return try await fixture.repository.bootstrap(draft, request: nil)
}

let cloneCases = [
  ConformanceCase("A clone has its source's contents and status, but not its registration") { (fixture) async throws in
    let source = try await source(fixture)
    fixture.clock.advance(by: .seconds(60))
    let clone = try await fixture.repository.clone(source.id, CloneDraft())
    var expected = Session(
      id: clone.id, type: .department, name: "source-clone", status: .active, workspace: "/w",
      createTime: fixture.clock.now(), revision: source.revision + 1)
    expected.metadata = source.metadata
    expected.capabilities = ["c"]
    expected.constraints = ["max-memory:2g"]
    expected.environment = ["E": "1"]
    expected.parentID = source.parentID
    expected.clonedFrom = source.id
    expected.startTime = fixture.clock.now()
    #expect(clone == expected && clone.id > source.id)
    #expect(try await fixture.repository.session(clone.id) == clone)
    #expect(try await fixture.repository.session(source.id) == source)
    let events = try await fixture.repository.history(after: source.revision)
    #expect(events.map(\.kind) == [.created] && events.map(\.newStatus) == [.active])
    #expect(events.map(\.sessionID) == [clone.id])
  },
  ConformanceCase("A clone that starts anew is initializing") { (fixture) async throws in
    for status in SessionStatus.allCases {
      let source = try await fixture.repository.create(in: status)
      let clone = try await fixture.repository.clone(source.id, CloneDraft(name: "other", resetsState: true))
      #expect(clone.status == .initializing && clone.statusReason == nil && clone.name == "other")
      #expect(clone.startTime == nil && clone.endTime == nil)
    }
  },
  ConformanceCase("A clone that does not start anew needs a source in no final status") { (fixture) async throws in
    for status in SessionStatus.allCases {
      let source = try await fixture.repository.create(in: status)
      guard status.isFinal else {
        let clone = try await fixture.repository.clone(source.id, CloneDraft())
        #expect(clone.status == status && clone.statusReason == source.statusReason)
        #expect((clone.startTime == nil) == (source.startTime == nil))
        continue
      }
      let error = try await refusal { try await fixture.repository.clone(source.id, CloneDraft()) }
      #expect(error == .illegalTransition(from: status, to: .initializing, allowed: []))
    }
  },
  ConformanceCase("A clone takes neither capabilities nor constraints from metadata") { (fixture) async throws in
    let source = try await fixture.repository.create("a") { draft in
      draft.metadata = ["capabilities": .array([.string("x")]), "constraints": .array([.string("a:b")])]
    }
    let emptied = SessionChange.of("capabilities", "constraints") { _ in }
    _ = try await fixture.repository.update(source.id, emptied, expectedRevision: nil)
    let clone = try await fixture.repository.clone(source.id, CloneDraft())
    #expect(clone.capabilities == [] && clone.constraints == [] && clone.metadata == source.metadata)
  },
  ConformanceCase("A clone's default name shortens the source's part") { (fixture) async throws in
    for (name, expected) in [
      (String(repeating: "n", count: 256), String(repeating: "n", count: 250) + "-clone"),
      (String(repeating: "n", count: 250), String(repeating: "n", count: 250) + "-clone"),
      // Characters of two scalars each are not cut in two.
      ("x" + String(repeating: "e\u{301}", count: 127), "x" + String(repeating: "e\u{301}", count: 124) + "-clone"),
    ] {
      let source = try await fixture.repository.create(name)
      #expect(try await fixture.repository.clone(source.id, CloneDraft()).name == expected)
    }
  },
  ConformanceCase("A clone may be allocated what its source has, where there is room", options: .memory(3 << 30)) {
    (fixture) async throws in
    let source = try await source(fixture)
    let clone = try await fixture.repository.clone(source.id, CloneDraft(copiesResources: true))
    #expect(clone.resources == source.resources && source.resources != nil)
    #expect(try await fixture.repository.clone(source.id, CloneDraft()).resources == nil)
    _ = try await fixture.repository.clone(source.id, CloneDraft(resetsState: true, copiesResources: true))
    let newest = try await fixture.repository.sequences().newest
    let error = try await refusal {
      try await fixture.repository.clone(source.id, CloneDraft(copiesResources: true))
    }
    #expect(
      error
        == .capacityExceeded(
          CapacityShortage(setting: "capacityMemory", requested: 1 << 30, available: 0, capacity: 3 << 30)))
    #expect(try await fixture.repository.sequences().newest == newest)
  },
  ConformanceCase("A clone goes on counting where its source is, unless it starts anew") { (fixture) async throws in
    let repository = fixture.repository
    let source = try await fixture.createReceiver()
    let mailbox = try await repository.receive(source, inDeliveryMax: 0)
    try await repository.send("a", "b", to: source)
    try await repository.acknowledge(try await mailbox.take())
    mailbox.close()
    fixture.report(source, tasks: 5, failed: 1, [1, 2, 3, 4, 5])
    let clone = try await repository.clone(source, CloneDraft()).id
    let anew = try await repository.clone(source, CloneDraft(resetsState: true)).id
    let metrics = try await repository.metrics(of: clone)
    #expect(metrics.processed == ProcessedCounts(messages: 2, tasks: 5))
    // What the source did in the window, and uses, is not the clone's.
    #expect(metrics.throughput == 0 && metrics.averageResponseTime == 0 && metrics.errorRate == 0)
    #expect(try await repository.metrics(of: anew).processed.isZero)
    // From here on each counts by itself, and nothing was processed twice.
    fixture.report(clone, tasks: 2)
    fixture.report(source, tasks: 1)
    #expect(try await repository.metrics(of: clone).processed == ProcessedCounts(messages: 2, tasks: 7))
    #expect(try await repository.metrics(of: source).processed == ProcessedCounts(messages: 2, tasks: 6))
    #expect(try await repository.stats().tasksProcessed == 8)
    try await repository.remove(source)
    #expect(try await repository.metrics(of: clone).processed == ProcessedCounts(messages: 2, tasks: 7))
  },
  ConformanceCase("A clone counts as a session", options: .maxSessions(2)) { (fixture) async throws in
    let source = try await fixture.repository.create("a")
    _ = try await fixture.repository.clone(source.id, CloneDraft())
    #expect(try await refusal { try await fixture.repository.clone(source.id, CloneDraft()) } == .sessionLimit(max: 2))
  },
  ConformanceCase("A wrong name is refused before the source is looked for") { (fixture) async throws in
    let error = try await refusal { try await fixture.repository.clone(strangeID, CloneDraft(name: "a\nb")) }
    #expect(error?.paths == ["name"])
    #expect(try await refusal { try await fixture.repository.clone(strangeID, CloneDraft()) } == .notFound(strangeID))
  },
]

extension RepositoryOptions {
  fileprivate static func memory(_ bytes: Int64) -> RepositoryOptions {
    var options = RepositoryOptions()
    options.capacity.memoryBytes = bytes
    return options
  }
}
