import SessionDomain
import Testing

/// A director, two departments, and two under the first of these.
struct Family {
  let top: Session
  let left: Session
  let right: Session
  let lowerLeft: Session
  let lowerRight: Session

  init(_ repository: any SessionRepository, in status: SessionStatus = .active) async throws {
    top = try await repository.create(in: status, "top")
    left = try await repository.create(in: status, "left", under: top.id)
    right = try await repository.create(in: status, "right", under: top.id)
    lowerLeft = try await repository.create(in: status, "lowerLeft", under: left.id)
    lowerRight = try await repository.create(in: status, "lowerRight", under: left.id)
  }

  /// The deepest first.
  var ids: [SessionID] { [lowerLeft, lowerRight, left, right, top].map(\.id) }
}

/// The events of the end of a session in this status.
private func endKinds(from status: SessionStatus) -> [EventKind] {
  switch status {
  case .initializing: [.statusChanged, .error, .statusChanged, .terminated]
  case .active, .idle, .error: [.statusChanged, .terminated]
  case .completed, .terminated: []
  }
}

let endCases = [
  ConformanceCase("A forced shutdown terminates from every status along allowed moves") { (fixture) async throws in
    for status in SessionStatus.allCases {
      let session = try await fixture.repository.create(in: status)
      fixture.clock.advance(by: .seconds(1))
      let shutdown = try await fixture.repository.forceShutDown(session.id, reason: "enough", cascade: false)
      #expect(shutdown.deadLetteredCount == 0)
      #expect(try await fixture.repository.session(session.id) == shutdown.session)
      let events = try await fixture.repository.history(after: session.revision)
      #expect(events.map(\.kind) == endKinds(from: status))
      guard !status.isFinal else {
        #expect(shutdown.session == session)
        continue
      }
      #expect(shutdown.session.status == .terminated && shutdown.session.statusReason == "enough")
      #expect(shutdown.session.endTime == fixture.clock.now())
      #expect(shutdown.session.lastActivityTime == session.lastActivityTime)
      #expect(events.suffix(2).map(\.reason) == ["enough", "enough"])
      if status == .initializing { #expect(events[1].error == "shut down before it started: enough") }
    }
  },
  ConformanceCase("Without a reason a forced shutdown is forced, and that of all an emergency") {
    (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    let shutdown = try await fixture.repository.forceShutDown(session.id, reason: "", cascade: false)
    #expect(shutdown.session.statusReason == "forced")
    let other = try await fixture.repository.create(in: .active)
    #expect(try await fixture.repository.shutDownAll(reason: "") == [other.id])
    #expect(try await fixture.repository.session(other.id).statusReason == "emergency")
  },
  ConformanceCase("A reason has no NUL, and a missing session is not found") { (fixture) async throws in
    let repository = fixture.repository
    let bad = try await refusal { try await repository.forceShutDown(strangeID, reason: "a\0", cascade: false) }
    #expect(bad?.paths == ["reason"])
    #expect(try await refusal { try await repository.shutDownAll(reason: "\0") }?.paths == ["reason"])
    let missing = try await refusal { try await repository.forceShutDown(strangeID, reason: "", cascade: true) }
    #expect(missing == .notFound(strangeID))
  },
  ConformanceCase("Without cascade children are left alone") { (fixture) async throws in
    let family = try await Family(fixture.repository)
    _ = try await fixture.repository.forceShutDown(family.left.id, reason: "", cascade: false)
    #expect(try await fixture.repository.session(family.lowerLeft.id) == family.lowerLeft)
    #expect(try await fixture.repository.session(family.top.id) == family.top)
  },
  ConformanceCase("A cascade ends all below, the deepest first, in one commit") { (fixture) async throws in
    let family = try await Family(fixture.repository)
    let bystander = try await fixture.repository.create(in: .active, "bystander")
    let shutdown = try await fixture.repository.forceShutDown(family.top.id, reason: "all", cascade: true)
    #expect(shutdown.session.id == family.top.id)
    let events = try await fixture.repository.history(after: bystander.revision)
    #expect(events.filter { $0.kind == .terminated }.map(\.sessionID) == family.ids)
    #expect(events.allSatisfy { $0.reason == "all" })
    #expect(fixture.commits.all.last?.events == events)
    #expect(try await fixture.repository.session(bystander.id) == bystander)
  },
  ConformanceCase("A cascade goes on below sessions that have finished") { (fixture) async throws in
    let family = try await Family(fixture.repository)
    for session in [family.top, family.left] {
      _ = try await fixture.repository.forceShutDown(session.id, reason: "", cascade: false)
    }
    let before = try await fixture.repository.session(family.top.id)
    let shutdown = try await fixture.repository.forceShutDown(family.top.id, reason: "rest", cascade: true)
    #expect(shutdown.session == before)
    let events = try await fixture.repository.history(after: before.revision)
    #expect(
      events.filter { $0.kind == .terminated }.map(\.sessionID)
        == [family.left.id, family.lowerLeft.id, family.lowerRight.id, family.right.id])
    #expect(events.filter { $0.kind == .terminated }.map(\.reason) == ["forced", "rest", "rest", "rest"])
  },
  ConformanceCase("An emergency ends every session in no final status, children before parents, in one commit") {
    (fixture) async throws in
    let family = try await Family(fixture.repository, in: .initializing)
    // The one below a finished one still is below the one above that.
    let ended = try await fixture.repository.create(in: .completed, "ended", under: family.top.id)
    let under = try await fixture.repository.create(in: .error, "under", under: ended.id)
    let idle = try await fixture.repository.create(in: .idle, "idle")
    let newest = try await fixture.repository.sequences().newest
    let ids = try await fixture.repository.shutDownAll(reason: "fire")
    let deepest = [family.lowerLeft.id, family.lowerRight.id, under.id]
    #expect(ids == deepest + [family.left.id, family.right.id, family.top.id, idle.id])
    let events = try await fixture.repository.history(after: newest)
    #expect(events.filter { $0.kind == .terminated }.map(\.sessionID) == ids)
    #expect(events.filter { $0.kind == .terminated }.allSatisfy { $0.reason == "fire" })
    #expect(fixture.commits.all.last?.events == events)
    #expect(try await fixture.repository.session(ended.id) == ended)
    #expect(try await fixture.repository.shutDownAll(reason: "again") == [])
    #expect(try await fixture.repository.sequences().newest == events.last?.sequence)
  },
  ConformanceCase("An emergency follows lines of any length") { (fixture) async throws in
    var line: [SessionID] = []
    for number in 0..<90 {
      line.append(try await fixture.repository.create(in: .initializing, "s\(number)", under: line.last).id)
    }
    #expect(try await fixture.repository.shutDownAll(reason: "") == line.reversed())
  },
]
