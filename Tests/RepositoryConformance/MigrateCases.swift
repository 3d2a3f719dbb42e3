import SessionDomain
import Testing

private func migration(_ workspace: String = "/new", preservesState: Bool = true) -> Migration {
  Migration(workspace: workspace, preservesState: preservesState)
}

let migrateCases = [
  ConformanceCase("A migration changes the workspace in one step, and counts as activity") { (fixture) async throws in
    for status in [SessionStatus.initializing, .active, .idle] {
      let session = try await fixture.repository.create(in: status) { $0.metadata = ["k": .number(1)] }
      fixture.clock.advance(by: .seconds(1))
      let moved = try await fixture.repository.migrate(session.id, migration())
      #expect(moved.workspace == "/new" && moved.status == status && moved.metadata == session.metadata)
      #expect(moved.lastActivityTime == fixture.clock.now() && moved.revision == session.revision + 1)
      let events = try await fixture.repository.history(after: session.revision)
      #expect(events.map(\.kind) == [.migrated] && events.map(\.changedFields) == [["workspace"]])
      #expect(try await fixture.repository.session(session.id) == moved)
    }
  },
  ConformanceCase("A migration to where the session is counts as activity only") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.clock.advance(by: .seconds(1))
    let moved = try await fixture.repository.migrate(session.id, migration(session.workspace))
    #expect(moved.revision == session.revision && moved.lastActivityTime == fixture.clock.now())
    #expect(try await fixture.repository.sequences().newest == session.revision)
  },
  ConformanceCase("State that is kept is kept whole") { (fixture) async throws in
    let draft = BootstrapDraft(
      session: SessionDraft.named("a").with { $0.metadata = ["k": .number(1)] }, resources: ResourceDraft(memory: "1g"))
    let session = try await fixture.repository.bootstrap(draft, request: nil)
    let moved = try await fixture.repository.migrate(session.id, migration())
    var expected = session
    expected.workspace = "/new"
    expected.revision = moved.revision
    #expect(moved == expected)
  },
  ConformanceCase("State that is not kept: metadata is emptied and the registration ends") { (fixture) async throws in
    let draft = BootstrapDraft(
      session: SessionDraft.named("a").with { draft in
        draft.metadata = ["k": .number(1)]
        draft.capabilities = ["c"]
        draft.environment = ["E": "1"]
      }, resources: ResourceDraft(memory: "1g"))
    let session = try await fixture.repository.bootstrap(draft, request: nil)
    let moved = try await fixture.repository.migrate(session.id, migration(preservesState: false))
    #expect(moved.workspace == "/new" && moved.metadata == [:] && moved.registration == nil)
    #expect(moved.status == .active && moved.capabilities == ["c"] && moved.environment == ["E": "1"])
    #expect(moved.resources == session.resources)
    let events = try await fixture.repository.history(after: session.revision)
    #expect(events.map(\.kind) == [.migrated, .updated, .deregistered])
    #expect(events.map(\.changedFields) == [["workspace"], ["metadata"], []])
    #expect(events.last?.reason == "migrated")
    #expect(try await fixture.repository.session(session.id) == moved)
    // With nothing to lose, there is the move alone.
    _ = try await fixture.repository.migrate(session.id, migration("/newer", preservesState: false))
    #expect(try await fixture.repository.history(after: moved.revision).map(\.kind) == [.migrated])
  },
  ConformanceCase("What has finished or failed does not migrate") { (fixture) async throws in
    for status in [SessionStatus.completed, .error, .terminated] {
      let session = try await fixture.repository.create(in: status)
      let error = try await refusal { try await fixture.repository.migrate(session.id, migration()) }
      #expect(error == .illegalTransition(from: status, to: .active, allowed: status.allowedMoves))
      #expect(try await fixture.repository.session(session.id) == session)
    }
  },
  ConformanceCase("Everything wrong with a migration is told at once, before the session is looked for") {
    (fixture) async throws in
    let wrong = Migration(workspace: "a/../b", preservesState: true, timeout: .seconds(-1))
    let error = try await refusal { try await fixture.repository.migrate(strangeID, wrong) }
    #expect(error?.paths == ["workspace", "workspace", "timeout"])
    #expect(try await refusal { try await fixture.repository.migrate(strangeID, migration()) } == .notFound(strangeID))
  },
]
