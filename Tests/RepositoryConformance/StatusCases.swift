import SessionDomain
import Testing

let statusCases =
  SessionStatus.allCases.flatMap { from in
    SessionStatus.allCases.map { to in
      ConformanceCase("From \(from) to \(to): \(from == to ? "nothing" : from.canMove(to: to) ? "a move" : "refused")")
      {
        (fixture) async throws in
        let repository = fixture.repository
        let session = try await repository.create("a")
        let before = try await repository.bring(session.id, to: from)
        fixture.clock.advance(by: .seconds(3))
        let change = SessionChange.move(to: to, reason: "because")
        guard from == to || from.canMove(to: to) else {
          let error = try await refusal { try await repository.update(session.id, change, expectedRevision: nil) }
          #expect(error == .illegalTransition(from: from, to: to, allowed: from.allowedMoves))
          #expect(try await repository.session(session.id) == before)
          return
        }
        let after = try await repository.update(session.id, change, expectedRevision: nil)
        let events = try await repository.history(after: before.revision)
        guard from != to else {
          #expect(events.isEmpty && after.statusReason == before.statusReason && after.revision == before.revision)
          return
        }
        let second: [EventKind] = to == .error ? [.error] : to == .terminated ? [.terminated] : []
        #expect(events.map(\.kind) == [.statusChanged] + second)
        #expect(events.first?.oldStatus == from && events.first?.newStatus == to && events.first?.reason == "because")
        #expect(events.allSatisfy { $0.kind != .error || $0.error == "because" })
        #expect(events.allSatisfy { $0.kind != .terminated || $0.reason == "because" })
        #expect(after.statusReason == "because" && after.revision == events.last?.sequence)
        #expect((after.endTime != nil) == to.isFinal)
        if to.isFinal { #expect(after.endTime == fixture.clock.now()) }
        if to == .active, from == .initializing { #expect(after.startTime == fixture.clock.now()) }
        if from != .initializing { #expect(after.startTime == before.startTime) }
      }
    }
  } + [
    ConformanceCase("A move without a reason clears it") { (fixture) async throws in
      let session = try await fixture.repository.create("a")
      try await fixture.repository.move(session.id, to: .active, reason: "started")
      try await fixture.repository.move(session.id, to: .idle)
      #expect(try await fixture.repository.session(session.id).statusReason == nil)
    },
    ConformanceCase("A finished session's fields may change, and it may be a parent") { (fixture) async throws in
      let session = try await fixture.repository.create("a")
      try await fixture.repository.move(session.id, to: .active, .completed)
      let renamed = try await fixture.repository.update(session.id, .rename("b"), expectedRevision: nil)
      #expect(renamed.name == "b" && renamed.status == .completed)
      let child = try await fixture.repository.create("c") { $0.parentID = session.id.description }
      #expect(child.parentID == session.id)
    },
  ]
