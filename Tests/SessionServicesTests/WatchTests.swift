import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

/// WatchEvents, from its start on.
@Suite(.timeLimit(.minutes(5))) struct WatchTests {
  @Test func aWatchBeginsWithABookmarkAndGoesOnWithWhatHappens() async throws {
    try await withServices { services in
      try await services.create("before")
      var watch = try await services.watch()
      #expect(try await watch.bookmark() == 1)
      let session = try await services.create("after")
      let event = try #require(try await watch.event())
      #expect(event.sequence == 2)
      #expect(event.kind == .created)
      #expect(event.sessionID == session.id)
      #expect(event.sessionName == "after")
      #expect(event.newStatus == .initializing)
      #expect(session.revision == 2)
    }
  }

  @Test(arguments: [2, 65_536]) func aWatchResumesAfterAnySequence(eventsMax: Int) async throws {
    try await withServices({ $0.eventsMax = eventsMax }) { services in
      for number in 1...10 { try await services.create("\(number)") }
      for start in Int64(1)...9 {
        var watch = try await services.watch { $0.afterSequence = start }
        #expect(try await watch.bookmark() == start)
        #expect(try await watch.sequences(upTo: 10) == Array(start + 1...10))
      }
      var newest = try await services.watch { $0.afterSequence = 10 }
      #expect(try await newest.bookmark() == 10)
      try await services.create("11")
      #expect(try await newest.event()?.sequence == 11)
    }
  }

  @Test func aWatchFromTheOldestStartsWhereHistoryDoes() async throws {
    try await withServices({ $0.store.eventRetentionCount = 5 }) { services in
      for number in 1...20 { try await services.create("\(number)") }
      let (oldest, newest) = try await services.repository.sequences()
      #expect(oldest > 1 && newest == 20)
      var watch = try await services.watch { $0.fromOldest = true }
      #expect(try await watch.bookmark() == oldest - 1)
      #expect(try await watch.sequences(upTo: 20) == Array(oldest...20))

      let compacted = try await refusal {
        var watch = try await services.watch { $0.afterSequence = 1 }
        return try await watch.next() != nil
      }
      #expect(
        compacted
          == Refusal(code: .outOfRange, reason: "SEQUENCE_COMPACTED", metadata: ["oldest": "\(oldest)"]))
    }
  }

  private static let wrong: [(String, @Sendable (inout WatchEventsRequest) -> Void, Refusal)] = [
    (
      "the future", { $0.afterSequence = 99 },
      .init(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "after_sequence"])
    ),
    (
      "before all", { $0.afterSequence = -1 },
      .init(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "after_sequence"])
    ),
    (
      "two starts",
      {
        $0.includeSnapshot = true
        $0.fromOldest = true
      }, .init(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "after_sequence"])
    ),
    (
      "no kind", { $0.kinds = [.created, .unspecified] },
      .init(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "kinds[1]"])
    ),
    (
      "no type", { $0.sessionTypes = [.unrecognized(77)] },
      .init(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "session_types[0]"])
    ),
    (
      "no observer", { $0.observerID = "nobody" },
      .init(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": "nobody"])
    ),
  ]

  @Test(arguments: wrong.indices) func aWrongRequestIsRefused(index: Int) async throws {
    let (name, set, expected) = Self.wrong[index]
    try await withServices { services in
      try await services.create("one")
      let actual = try await refusal {
        var watch = try await services.watch(set)
        return try await watch.next() != nil
      }
      #expect(actual == expected, "\(name)")
    }
  }

  @Test func filtersLetThroughWhatMatchesAllOfThem() async throws {
    try await withServices { services in
      let first = try await services.create("a", .director)
      let second = try await services.create("b", .department)
      try await services.update(first.id, "name") { $0.name = "c" }
      try await services.update(second.id, "name") { $0.name = "d" }
      try await services.update(second.id, "status") { $0.status = .active }
      func watched(_ set: @escaping (inout WatchEventsRequest) -> Void) async throws -> [Int64] {
        var watch = try await services.watch {
          set(&$0)
          $0.fromOldest = true
        }
        // A filtered stream ends nowhere by itself: an event that always matches marks its end.
        let last = try await services.create("end", .director)
        return try await watch.sequences(upTo: last.revision).filter { $0 <= 5 }
      }
      #expect(try await watched { _ in } == [1, 2, 3, 4, 5])
      #expect(try await watched { $0.kinds = [.created] } == [1, 2])
      #expect(try await watched { $0.kinds = [.created, .updated] } == [1, 2, 3, 4])
      #expect(try await watched { $0.sessionTypes = [.director] } == [1, 3])
      #expect(
        try await watched {
          $0.sessionTypes = [.director]
          $0.kinds = [.created]
        } == [1])
    }
  }

  @Test func filtersTakeEventsOutOfACommit() async throws {
    try await withServices { services in
      let session = try await services.create("a")
      // Events 2 to 4: UPDATED, STATUS_CHANGED, ERROR.
      try await services.update(session.id, "name", "status") {
        $0.name = "b"
        $0.status = .error
      }
      let last = try await services.create("end")
      func watched(after: Int64 = 1, _ kinds: [SessionAPI.EventKind]) async throws -> [Int64] {
        var watch = try await services.watch {
          $0.kinds = kinds + [.created]
          $0.afterSequence = after
        }
        return try await watch.sequences(upTo: last.revision)
      }
      #expect(last.revision == 5)
      #expect(try await watched([]) == [5])
      #expect(try await watched([.updated]) == [2, 5])
      #expect(try await watched([.statusChanged]) == [3, 5])
      #expect(try await watched([.error]) == [4, 5])
      #expect(try await watched([.updated, .error]) == [2, 4, 5])
      #expect(try await watched([.updated, .statusChanged]) == [2, 3, 5])
      #expect(try await watched([.statusChanged, .error]) == [3, 4, 5])
      #expect(try await watched(after: 3, [.updated, .error]) == [4, 5])
      #expect(try await watched(after: 2, [.updated, .statusChanged, .error]) == [3, 4, 5])
    }
  }

  @Test func idsThatDoNotExistMatchNothingYet() async throws {
    try await withServices { services in
      let session = try await services.create("a")
      var watch = try await services.watch {
        $0.sessionIds = [session.id, "nonsense", "01900000-0000-7000-8000-000000000001"]
      }
      #expect(try await watch.bookmark() == 1)
      try await services.create("b")
      try await services.update(session.id, "name") { $0.name = "c" }
      #expect(try await watch.event()?.sequence == 3)
    }
  }

  @Test func aQuietStreamGetsABookmarkAfterTenSeconds() async throws {
    try await withServices { services in
      var watch = try await services.watch { $0.kinds = [.deleted] }
      #expect(try await watch.bookmark() == 0)
      try await services.create("a")
      try await services.create("b")
      // At nine seconds nothing comes: the next is the one with both events passed over, at ten.
      services.now.update { $0 = $0.advanced(by: .seconds(9)) }
      services.changes.tick()
      try await services.create("c")
      await services.waitForWatchers()
      services.now.update { $0 = $0.advanced(by: .seconds(1)) }
      services.changes.tick()
      #expect(try await watch.bookmark() == 3)
      services.changes.tick()
      try await services.create("d")
      await services.waitForWatchers()
      services.now.update { $0 = $0.advanced(by: .seconds(10)) }
      services.changes.tick()
      #expect(try await watch.bookmark() == 4)
    }
  }

  @Test func anEventMakesAStreamUnquiet() async throws {
    try await withServices { services in
      var watch = try await services.watch()
      #expect(try await watch.bookmark() == 0)
      services.now.update { $0 = $0.advanced(by: .seconds(9)) }
      try await services.create("a")
      #expect(try await watch.event()?.sequence == 1)
      services.now.update { $0 = $0.advanced(by: .seconds(9)) }
      services.changes.tick()
      try await services.create("b")
      #expect(try await watch.event()?.sequence == 2)
    }
  }

  @Test(arguments: [false, true])
  func theServersEndEndsAWatch(isOnSocket: Bool) async throws {
    try await withServices({ $0.isOnSocket = isOnSocket }) { services in
      var watches = [try await services.watch(), try await services.watch(), try await services.watch()]
      for index in watches.indices { #expect(try await watches[index].bookmark() == 0) }
      services.changes.shutDown()
      for index in watches.indices {
        let ending = try await refusal { try await watches[index].next() != nil }
        #expect(ending == Refusal(code: .unavailable, reason: "SHUTTING_DOWN"))
      }
    }
  }
}
