import SessionDomain
import Testing

extension SessionRepository {
  fileprivate func delete(_ id: SessionID, force: Bool = false, revision: Int64? = nil) async throws -> Bool {
    try await delete(id, force: force, allowMissing: false, expectedRevision: revision)
  }
}

let deleteCases = [
  ConformanceCase("A finished session goes, its history stays") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    try await fixture.repository.move(session.id, to: .active, .completed)
    #expect(try await fixture.repository.delete(session.id))
    #expect(try await refusal { try await fixture.repository.session(session.id) } == .notFound(session.id))
    let events = try await fixture.repository.history()
    #expect(events.map(\.kind) == [.created, .statusChanged, .statusChanged, .deleted])
    #expect(events.last?.newStatus == .completed)
    #expect(fixture.commits.all.last?.deleted == [session.id])
    #expect(fixture.commits.all.last?.sessions == [])
  },
  ConformanceCase("Without force a session that has not finished, or has children, stays") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create("a")
    let child = try await repository.create("b") { $0.parentID = session.id.description }
    #expect(
      try await refusal { try await repository.delete(session.id) }
        == .notFinished(session.id, status: .initializing))
    try await repository.move(session.id, to: .active, .completed)
    #expect(try await refusal { try await repository.delete(session.id) } == .hasChildren(session.id))
    #expect(try await repository.delete(child.id, force: true))
    #expect(try await repository.delete(session.id))
  },
  ConformanceCase("Force takes the children's parent, ends the session, then deletes it") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create("a")
    let first = try await repository.create("b") { $0.parentID = session.id.description }
    let second = try await repository.create("c") { $0.parentID = session.id.description }
    fixture.clock.advance(by: .seconds(1))
    #expect(try await repository.delete(session.id, force: true))
    let events = try await repository.history(after: 3)
    #expect(
      events.map(\.kind) == [.updated, .updated, .statusChanged, .error, .statusChanged, .terminated, .deleted])
    #expect(events.map(\.sessionID) == [first.id, second.id] + Array(repeating: session.id, count: 5))
    #expect(events[0].changedFields == ["parent_id"])
    #expect(events[3].error == "shut down before it started: forced")
    #expect(events[4].oldStatus == .error && events[4].newStatus == .terminated && events[4].reason == "forced")
    #expect(events[5].reason == "forced")
    #expect(events[6].newStatus == .terminated)
    let child = try await repository.session(first.id)
    #expect(child.parentID == nil && child.revision == 4 && child.updateTime == fixture.clock.now())
    #expect(child.lastActivityTime == first.lastActivityTime)
    #expect(fixture.commits.all.last?.sessions.map(\.id) == [first.id, second.id])
  },
  ConformanceCase("Force on an active session ends it in one move") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    try await fixture.repository.move(session.id, to: .active)
    _ = try await fixture.repository.delete(session.id, force: true)
    let kinds = try await fixture.repository.history(after: 2).map(\.kind)
    #expect(kinds == [.statusChanged, .terminated, .deleted])
  },
  ConformanceCase("A missing session is not found, or was not deleted when that is allowed") { (fixture) async throws in
    let repository = fixture.repository
    #expect(try await refusal { try await repository.delete(strangeID) } == .notFound(strangeID))
    #expect(
      try await repository.delete(strangeID, force: false, allowMissing: true, expectedRevision: 4) == false)
  },
  ConformanceCase("Another revision is told before the state") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    #expect(
      try await refusal { try await fixture.repository.delete(session.id, revision: 9) }
        == .revisionConflict(expected: 9, actual: 1))
    #expect(try await fixture.repository.delete(session.id, force: true, revision: 1))
  },
]
