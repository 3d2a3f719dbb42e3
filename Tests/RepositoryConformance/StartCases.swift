import SessionDomain
import Testing

let startCases = [
  ConformanceCase("A session starts from initializing and idle, as activity") { (fixture) async throws in
    for status in [SessionStatus.initializing, .idle] {
      let session = try await fixture.repository.create(in: status)
      fixture.clock.advance(by: .seconds(2))
      let started = try await fixture.repository.start(session.id)
      #expect(started.status == .active && started.statusReason == nil)
      #expect(started.startTime == session.startTime ?? fixture.clock.now())
      #expect(started.lastActivityTime == fixture.clock.now())
      let events = try await fixture.repository.history(after: session.revision)
      #expect(events.map(\.kind) == [.statusChanged] && events.map(\.oldStatus) == [status])
      #expect(try await fixture.repository.session(session.id) == started)
    }
  },
  ConformanceCase("Starting what is active counts as activity and changes nothing else") { (fixture) async throws in
    let session = try await fixture.repository.create(in: .active)
    fixture.clock.advance(by: .seconds(2))
    let again = try await fixture.repository.start(session.id)
    var expected = session
    expected.lastActivityTime = fixture.clock.now()
    #expect(again == expected)
    #expect(try await fixture.repository.session(session.id) == expected)
    #expect(try await fixture.repository.sequences().newest == session.revision)
  },
  ConformanceCase("What has finished or failed does not start") { (fixture) async throws in
    for status in [SessionStatus.completed, .error, .terminated] {
      let session = try await fixture.repository.create(in: status)
      let error = try await refusal { try await fixture.repository.start(session.id) }
      #expect(error == .illegalTransition(from: status, to: .active, allowed: status.allowedMoves))
      #expect(try await fixture.repository.session(session.id) == session)
    }
    #expect(try await refusal { try await fixture.repository.start(strangeID) } == .notFound(strangeID))
  },
]
