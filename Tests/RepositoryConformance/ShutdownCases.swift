import SessionDomain
import Testing

let shutdownCases = [
  ConformanceCase("A session without messages shuts down at once, from every status along allowed moves") {
    (fixture) async throws in
    for status in SessionStatus.allCases {
      let session = try await fixture.repository.create(in: status)
      fixture.clock.advance(by: .seconds(1))
      let ended = try await fixture.repository.shutDown(session.id, GracefulShutdown(reason: "done", timeout: .zero))
      #expect(try await fixture.repository.session(session.id) == ended)
      let kinds = try await fixture.repository.history(after: session.revision).map(\.kind)
      switch status {
      case .initializing: #expect(kinds == [.statusChanged, .error, .statusChanged, .terminated])
      case .active, .idle, .error: #expect(kinds == [.statusChanged, .terminated])
      case .completed, .terminated: #expect(kinds == [] && ended == session)
      }
      if !status.isFinal { #expect(ended.status == .terminated && ended.statusReason == "done") }
    }
  },
  ConformanceCase("Without a reason a shutdown is normal, and its own events tell of no draining") {
    (fixture) async throws in
    let session = try await fixture.repository.bootstrap(BootstrapDraft(session: .named("a")), request: nil)
    let ended = try await fixture.repository.shutDown(session.id, GracefulShutdown())
    #expect(ended.statusReason == "normal" && ended.registration == nil)
    let kinds = try await fixture.repository.history(after: session.revision).map(\.kind)
    #expect(kinds == [.statusChanged, .terminated, .deregistered])
  },
  ConformanceCase("Everything wrong with a shutdown is told at once, before the session is looked for") {
    (fixture) async throws in
    let wrong = GracefulShutdown(reason: "a\0", timeout: .milliseconds(-1))
    let error = try await refusal { try await fixture.repository.shutDown(strangeID, wrong) }
    #expect(error?.paths == ["timeout", "reason"])
    let missing = try await refusal { try await fixture.repository.shutDown(strangeID, GracefulShutdown()) }
    #expect(missing == .notFound(strangeID))
  },
  ConformanceCase("A shutdown without cascade leaves children alone") { (fixture) async throws in
    let family = try await Family(fixture.repository)
    _ = try await fixture.repository.shutDown(family.left.id, GracefulShutdown())
    #expect(try await fixture.repository.session(family.lowerLeft.id) == family.lowerLeft)
    #expect(try await fixture.repository.session(family.top.id) == family.top)
  },
  ConformanceCase("A shutdown with cascade ends all below, the deepest first") { (fixture) async throws in
    let family = try await Family(fixture.repository)
    let newest = try await fixture.repository.sequences().newest
    let ended = try await fixture.repository.shutDown(family.top.id, GracefulShutdown(reason: "all", cascade: true))
    #expect(ended.id == family.top.id && ended.status == .terminated)
    let events = try await fixture.repository.history(after: newest)
    #expect(events.filter { $0.kind == .terminated }.map(\.sessionID) == family.ids)
    #expect(events.allSatisfy { $0.reason == "all" })
    // Those below a final session are not lost sight of.
    let late = try await fixture.repository.create(in: .active, "late", under: family.left.id)
    #expect(
      try await fixture.repository.shutDown(family.top.id, GracefulShutdown(reason: "late", cascade: true)) == ended)
    #expect(try await fixture.repository.session(late.id).statusReason == "late")
  },
]
