import SessionDomain
import Testing

let requestCases = [
  ConformanceCase("A repeated request returns the session as it is now and changes nothing") { (fixture) async throws in
    let repository = fixture.repository
    let key = RequestKey(method: "Create", requestID: "r1", bodyDigest: [1])
    let first = try await repository.create(.named("a"), request: key)
    try await repository.move(first.id, to: .active)
    let newest = try await repository.sequences().newest
    let again = try await repository.create(.named("a"), request: key)
    #expect(again.id == first.id && again.status == .active)
    #expect(try await repository.sequences().newest == newest)
  },
  ConformanceCase("A request id with another body is refused, under another method it is new") {
    (fixture) async throws in
    let repository = fixture.repository
    let first = try await repository.create(
      .named("a"), request: RequestKey(method: "Create", requestID: "r1", bodyDigest: [1]))
    let error = try await refusal {
      try await repository.create(.named("b"), request: RequestKey(method: "Create", requestID: "r1", bodyDigest: [2]))
    }
    #expect(error == .requestIDReused(requestID: "r1"))
    let other = try await repository.create(
      .named("b"), request: RequestKey(method: "Bootstrap", requestID: "r1", bodyDigest: [2]))
    #expect(other.id != first.id)
  },
  ConformanceCase("A repeat after the session was deleted is not found") { (fixture) async throws in
    let key = RequestKey(method: "Create", requestID: "r1", bodyDigest: [1])
    let first = try await fixture.repository.create(.named("a"), request: key)
    _ = try await fixture.repository.delete(first.id, force: true, allowMissing: false, expectedRevision: nil)
    #expect(try await refusal { try await fixture.repository.create(.named("a"), request: key) } == .notFound(first.id))
  },
  ConformanceCase("A repeat counts before the limit and before its parent is looked for", options: .maxSessions(1)) {
    (fixture) async throws in
    let key = RequestKey(method: "Create", requestID: "r1", bodyDigest: [1])
    let first = try await fixture.repository.create(.named("a"), request: key)
    #expect(try await fixture.repository.create(.named("a"), request: key) == first)
  },
  ConformanceCase("A request id is new again after a day") { (fixture) async throws in
    let key = RequestKey(method: "Create", requestID: "r1", bodyDigest: [1])
    let first = try await fixture.repository.create(.named("a"), request: key)
    fixture.clock.advance(by: .seconds(24 * 60 * 60))
    #expect(try await fixture.repository.create(.named("a"), request: key).id == first.id)
    fixture.clock.advance(by: .seconds(1))
    #expect(try await fixture.repository.create(.named("a"), request: key).id != first.id)
  },
  ConformanceCase("Requests without an id are all new") { (fixture) async throws in
    let key = RequestKey(method: "Create", requestID: "", bodyDigest: [1])
    let first = try await fixture.repository.create(.named("a"), request: key)
    #expect(try await fixture.repository.create(.named("a"), request: key).id != first.id)
  },
  ConformanceCase("One request sent many times at once makes one session") { (fixture) async throws in
    let key = RequestKey(method: "Create", requestID: "r1", bodyDigest: [1])
    let ids = try await withThrowingTaskGroup(of: SessionID.self) { group in
      for _ in 0..<50 { group.addTask { try await fixture.repository.create(.named("a"), request: key).id } }
      return try await group.reduce(into: Set<SessionID>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
    #expect(try await fixture.repository.sequences().newest == 1)
  },
]
