import SessionDomain
import Testing

private let key = RequestKey(method: "Bootstrap", requestID: "r1", bodyDigest: [1])

private func draft(_ name: String = "a", set: (inout BootstrapDraft) -> Void = { _ in }) -> BootstrapDraft {
  var draft = BootstrapDraft(
    session: .named(name), resources: ResourceDraft(memory: "512m", cpu: "2", disk: "1g"), messageTypes: ["COMMAND"],
    priority: MessagePriority.high.rawValue)
  set(&draft)
  return draft
}

let bootstrapCases = [
  ConformanceCase("A bootstrap creates, allocates, registers and starts, in one commit") { (fixture) async throws in
    let session = try await fixture.repository.bootstrap(draft(), request: nil)
    #expect(session.status == .active && session.startTime == fixture.clock.now())
    #expect(
      session.resources == ResourceAllocation(memoryBytes: 512 << 20, cpuMillicores: 2000, diskBytes: 1 << 30))
    #expect(
      session.registration
        == Registration(
          messageTypes: ["COMMAND"], priority: .high, registerTime: fixture.clock.now(), isDraining: false))
    #expect(try await fixture.repository.session(session.id) == session)
    let events = try await fixture.repository.history()
    #expect(events.map(\.kind) == [.created, .updated, .registered, .statusChanged])
    #expect(events.map(\.newStatus) == [.initializing, .initializing, .initializing, .active])
    #expect(events[1].changedFields == ["resources"] && events[3].oldStatus == .initializing)
    #expect(session.revision == 4 && fixture.commits.all.last?.events == events)
  },
  ConformanceCase("A bootstrap of nothing more allocates nothing and accepts every type") { (fixture) async throws in
    let session = try await fixture.repository.bootstrap(BootstrapDraft(session: .named("a")), request: nil)
    #expect(session.resources == ResourceAllocation(memoryBytes: 0, cpuMillicores: 0, diskBytes: 0))
    #expect(session.registration?.messageTypes == [] && session.registration?.priority == nil)
  },
  ConformanceCase("Everything wrong with a bootstrap is told at once, in the order of the fields") {
    (fixture) async throws in
    let wrong = draft("") { draft in
      draft.session.parentID = strangeID.description
      draft.resources = ResourceDraft(memory: "much", cpu: "all", disk: "x")
      draft.messageTypes = ["COMMAND", "command", ""]
      draft.priority = 9
    }
    let long = RequestKey(method: "Bootstrap", requestID: String(repeating: "x", count: 65), bodyDigest: [])
    let error = try await refusal { try await fixture.repository.bootstrap(wrong, request: long) }
    #expect(
      error?.paths == [
        "session.name", "resources.memory", "resources.cpu", "resources.disk", "message_types[2]", "message_types[1]",
        "priority", "session.parent_id", "request_id",
      ])
    let orphan = draft { $0.session.parentID = strangeID.description }
    let missing = try await refusal { try await fixture.repository.bootstrap(orphan, request: nil) }
    #expect(missing?.paths == ["session.parent_id"])
    #expect(try await fixture.repository.sequences().newest == 0)
  },
  ConformanceCase("A bootstrap that is refused leaves nothing behind, and its request id free") {
    (fixture) async throws in
    let repository = fixture.repository
    let over = draft { $0.session.constraints = ["max-memory:1m"] }
    let error = try await refusal { try await repository.bootstrap(over, request: key) }
    #expect(
      error == .constraintExceeded(constraint: "max-memory", allocated: 512 << 20, allowed: 1 << 20))
    #expect(try await repository.list(SessionQuery()).sessions == [])
    #expect(try await repository.sequences().newest == 0)
    #expect(try await repository.bootstrap(draft(), request: key).revision == 4)
  },
  ConformanceCase("A bootstrap keeps to the limit of sessions and to the capacity", options: .small) {
    (fixture) async throws in
    let repository = fixture.repository
    let small = draft { $0.resources = ResourceDraft(memory: "60") }
    let first = try await repository.bootstrap(small, request: nil)
    let second = try await refusal { try await repository.bootstrap(small, request: nil) }
    #expect(
      second
        == .capacityExceeded(
          CapacityShortage(setting: "capacityMemory", requested: 60, available: 40, capacity: 100)))
    _ = try await repository.create("b")
    #expect(try await refusal { try await repository.bootstrap(small, request: nil) } == .sessionLimit(max: 2))
    let constrained = draft { $0.session.constraints = ["max-cpu:1"] }
    // What the session itself does not allow is told before what the server has no room for.
    #expect(
      try await refusal { try await repository.bootstrap(constrained, request: nil) }
        == .constraintExceeded(constraint: "max-cpu", allocated: 2000, allowed: 1000))
    #expect(try await repository.sequences().newest == first.revision + 1)
  },
  ConformanceCase("A repeated bootstrap returns the session as it is now and changes nothing") {
    (fixture) async throws in
    let repository = fixture.repository
    let first = try await repository.bootstrap(draft(), request: key)
    try await repository.move(first.id, to: .idle)
    let again = try await repository.bootstrap(draft(), request: key)
    #expect(again.id == first.id && again.status == .idle)
    #expect(try await repository.sequences().newest == 5)
    let other = RequestKey(method: key.method, requestID: key.requestID, bodyDigest: [2])
    #expect(
      try await refusal { try await repository.bootstrap(draft(), request: other) }
        == .requestIDReused(requestID: "r1"))
    // An id counts per method.
    let create = RequestKey(method: "Create", requestID: "r1", bodyDigest: [1])
    #expect(try await repository.create(.named("a"), request: create).id != first.id)
    _ = try await repository.delete(first.id, force: true, allowMissing: false, expectedRevision: nil)
    #expect(try await refusal { try await repository.bootstrap(draft(), request: key) } == .notFound(first.id))
  },
  ConformanceCase("The end of a bootstrapped session takes its registration, and keeps its resources counted") {
    (fixture) async throws in
    let session = try await fixture.repository.bootstrap(draft(), request: nil)
    let shutdown = try await fixture.repository.forceShutDown(session.id, reason: "why", cascade: false)
    #expect(shutdown.session.registration == nil && shutdown.session.resources == session.resources)
    let events = try await fixture.repository.history(after: session.revision)
    #expect(events.map(\.kind) == [.statusChanged, .terminated, .deregistered])
    #expect(events.map(\.reason) == ["why", "why", "why"])
  },
]

extension RepositoryOptions {
  fileprivate static var small: RepositoryOptions {
    var options = RepositoryOptions.maxSessions(2)
    options.capacity.memoryBytes = 100
    return options
  }
}
