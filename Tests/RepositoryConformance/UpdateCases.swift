import SessionDomain
import Testing

let updateCases = [
  ConformanceCase("An update changes the fields of its mask and tells which") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    fixture.clock.advance(by: .seconds(5))
    let change = SessionChange.of("workspace", "name", "capabilities", "environment") { values in
      values.name = "b"
      values.workspace = "/other"
      values.environment = ["A": "1"]
    }
    let updated = try await fixture.repository.update(session.id, change, expectedRevision: session.revision)
    #expect(updated.name == "b" && updated.workspace == "/other" && updated.environment == ["A": "1"])
    #expect(updated.revision == 2 && updated.updateTime == fixture.clock.now())
    #expect(updated.lastActivityTime == fixture.clock.now() && updated.createTime == session.createTime)
    #expect(try await fixture.repository.session(session.id) == updated)
    let event = try #require(try await fixture.repository.history().last)
    #expect(event.kind == .updated && event.changedFields == ["name", "workspace", "environment"])
    #expect(event.sessionName == "b" && event.newStatus == .initializing && event.oldStatus == nil)
  },
  ConformanceCase("Without a mask every value that is not the default is taken") { (fixture) async throws in
    let session = try await fixture.repository.create("a") { $0.capabilities = ["x"] }
    let values = SessionDraft(type: .observer, name: "b", workspace: "", metadata: ["k": .bool(true)])
    let updated = try await fixture.repository.update(
      session.id, SessionChange(values: values, status: SessionStatus.active.rawValue), expectedRevision: nil)
    #expect(updated.name == "b" && updated.workspace == "/work" && updated.capabilities == ["x"])
    #expect(updated.type == .active && updated.status == .active && updated.metadata == ["k": .bool(true)])
    let events = try await fixture.repository.history(after: 1)
    #expect(events.map(\.kind) == [.updated, .statusChanged])
    #expect(events.first?.changedFields == ["name", "metadata"])
    #expect(updated.revision == 3)
  },
  ConformanceCase("Another spelling of a text that looks the same is a change") { (fixture) async throws in
    let composed = SessionDraft(
      type: .active, name: "\u{e9}", workspace: "/\u{e9}", metadata: ["k": .array([.string("\u{e9}")])],
      capabilities: ["\u{e9}"], constraints: ["x:\u{e9}"], environment: ["A": "\u{e9}"])
    let session = try await fixture.repository.create(composed, request: nil)
    let decomposed = composed.with { draft in
      (draft.name, draft.workspace) = ("e\u{301}", "/e\u{301}")
      draft.metadata = ["k": .array([.string("e\u{301}")])]
      (draft.capabilities, draft.constraints, draft.environment) = (["e\u{301}"], ["x:e\u{301}"], ["A": "e\u{301}"])
    }
    let paths = ["name", "workspace", "metadata", "capabilities", "constraints", "environment"]
    for path in paths {
      let change = SessionChange(values: decomposed, mask: [path])
      for expected in [[path], []] {
        let before = try await fixture.repository.sequences().newest
        _ = try await fixture.repository.update(session.id, change, expectedRevision: nil)
        #expect(try await fixture.repository.history(after: before).flatMap(\.changedFields) == expected)
      }
    }
    let kept = try await fixture.repository.session(session.id)
    #expect(kept.capabilities.first?.utf8.count == 3 && kept.environment["A"]?.utf8.count == 3)
    #expect(JSONValue.object(kept.metadata).compactText == "{\"k\":[\"e\u{301}\"]}")
  },
  ConformanceCase("Metadata merges key by key, a null removes, and a path replaces one key") { (fixture) async throws in
    let session = try await fixture.repository.create("a") { draft in
      draft.metadata = ["a": .number(1), "b": .object(["x": .number(1)]), "c.d": .number(3), "e": .number(4)]
    }
    let merge = SessionChange.of("metadata") { $0.metadata = ["a": .null, "b": .object(["y": .number(2)])] }
    let merged = try await fixture.repository.update(session.id, merge, expectedRevision: nil)
    #expect(merged.metadata == ["b": .object(["y": .number(2)]), "c.d": .number(3), "e": .number(4)])
    let replace = SessionChange.of("metadata.c.d", "metadata.e", "metadata.none") { values in
      values.metadata = ["c.d": .string("new"), "b": .number(9)]
    }
    let replaced = try await fixture.repository.update(session.id, replace, expectedRevision: nil)
    #expect(replaced.metadata == ["b": .object(["y": .number(2)]), "c.d": .string("new")])
    let fields = try await fixture.repository.history(after: 1).map(\.changedFields)
    #expect(fields == [["metadata"], ["metadata.c.d", "metadata.e"]])
  },
  ConformanceCase("An update that changes nothing counts as activity only") { (fixture) async throws in
    let session = try await fixture.repository.create("a") { $0.metadata = ["k": .number(1)] }
    fixture.clock.advance(by: .seconds(7))
    let change = SessionChange(
      values: SessionDraft(type: nil, name: "a", workspace: "/work", metadata: ["k": .number(1), "z": .null]))
    let same = try await fixture.repository.update(session.id, change, expectedRevision: 1)
    #expect(same.revision == 1 && same.updateTime == session.updateTime)
    #expect(same.lastActivityTime == fixture.clock.now())
    #expect(try await fixture.repository.session(session.id) == same)
    #expect(try await fixture.repository.sequences().newest == 1)
    #expect(fixture.commits.all.last?.sessions == [same])
  },
  ConformanceCase("Every violation of an update is told at once") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    let change = SessionChange(
      values: SessionDraft(
        type: nil, name: "", workspace: "x", metadata: ["k": .number(.nan)], parentID: strangeID.description),
      status: 99, mask: ["name", "workspace", "status", "metadata.k", "parent_id", "id", "type"])
    let error = try await refusal {
      try await fixture.repository.update(session.id, change, expectedRevision: nil)
    }
    #expect(
      error?.paths == [
        "update_mask", "update_mask", "session.name", "session.status", "session.workspace", "session.metadata.k",
        "session.parent_id",
      ])
  },
  ConformanceCase("A reason without a status is refused") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    let change = SessionChange(
      values: SessionDraft(type: nil, name: "", workspace: ""), statusReason: "why", mask: ["status_reason"])
    let error = try await refusal {
      try await fixture.repository.update(session.id, change, expectedRevision: nil)
    }
    #expect(error?.paths == ["session.status_reason"])
  },
  ConformanceCase("Errors come in their order: argument, missing, revision, state") { (fixture) async throws in
    let repository = fixture.repository
    let session = try await repository.create("a")
    let bad = try await refusal { try await repository.update(strangeID, .rename(""), expectedRevision: 5) }
    #expect(bad?.paths == ["session.name"])
    let orphan = SessionChange.of("parent_id") { $0.parentID = strangeID.description }
    let noParent = try await refusal { try await repository.update(strangeID, orphan, expectedRevision: 5) }
    #expect(noParent?.paths == ["session.parent_id"])
    let missing = try await refusal { try await repository.update(strangeID, .rename("b"), expectedRevision: 5) }
    #expect(missing == .notFound(strangeID))
    let own = SessionChange.of("parent_id") { $0.parentID = session.id.description }
    let cycle = try await refusal { try await repository.update(session.id, own, expectedRevision: 5) }
    #expect(cycle?.paths == ["session.parent_id"])
    let stale = try await refusal {
      try await repository.update(session.id, .move(to: .completed), expectedRevision: 5)
    }
    #expect(stale == .revisionConflict(expected: 5, actual: 1))
    let state = try await refusal {
      try await repository.update(session.id, .move(to: .completed), expectedRevision: 1)
    }
    #expect(state == .illegalTransition(from: .initializing, to: .completed, allowed: [.active, .error]))
  },
  ConformanceCase("A refused update changes nothing, not even its valid part") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    var change = SessionChange.rename("b")
    change.status = SessionStatus.idle.rawValue
    change.mask = ["name", "status"]
    _ = try await refusal { try await fixture.repository.update(session.id, change, expectedRevision: nil) }
    #expect(try await fixture.repository.session(session.id) == session)
    #expect(try await fixture.repository.sequences().newest == 1)
  },
  ConformanceCase("Metadata may not grow over its limit by merging") { (fixture) async throws in
    let session = try await fixture.repository.create("a") { draft in
      draft.metadata = ["a": .string(String(repeating: "x", count: 40_000))]
    }
    let grow = SessionChange.of("metadata.b") { $0.metadata = ["b": .string(String(repeating: "y", count: 40_000))] }
    let error = try await refusal { try await fixture.repository.update(session.id, grow, expectedRevision: 7) }
    #expect(error?.paths == ["session.metadata"])
  },
  ConformanceCase("Parents make no cycle, and can be taken away") { (fixture) async throws in
    let repository = fixture.repository
    let top = try await repository.create("top")
    let middle = try await repository.create("middle") { $0.parentID = top.id.description }
    let bottom = try await repository.create("bottom") { $0.parentID = middle.id.description }
    let change = SessionChange.of("parent_id") { $0.parentID = bottom.id.description }
    let error = try await refusal { try await repository.update(top.id, change, expectedRevision: nil) }
    #expect(error?.paths == ["session.parent_id"])
    let none = SessionChange.of("parent_id") { _ in }
    #expect(try await repository.update(middle.id, none, expectedRevision: nil).parentID == nil)
    #expect(try await repository.update(top.id, change, expectedRevision: nil).parentID == bottom.id)
  },
  ConformanceCase("Of many updates at one revision one succeeds") { (fixture) async throws in
    let session = try await fixture.repository.create("a")
    let successes = await withTaskGroup(of: Bool.self) { group in
      for number in 0..<20 {
        group.addTask {
          do throws(SessionError) {
            _ = try await fixture.repository.update(session.id, .rename("n\(number)"), expectedRevision: 1)
            return true
          } catch {
            return false
          }
        }
      }
      return await group.reduce(0) { $1 ? $0 + 1 : $0 }
    }
    #expect(successes == 1)
    #expect(try await fixture.repository.sequences().newest == 2)
  },
]
