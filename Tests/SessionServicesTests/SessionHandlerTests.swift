import ProtobufWellKnownTypes
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

/// SessionService over a real store.
@Suite(.timeLimit(.minutes(5))) struct SessionHandlerTests {
  @Test func aSessionIsCreatedReadChangedAndDeleted() async throws {
    try await withServices { services in
      let created = try await services.create("name", .director) {
        $0.metadata = Google_Protobuf_Struct(["domain": .string("docs")])
        $0.environment = ["A": "1"]
        $0.id = "ignored"
      }
      #expect(created.status == .initializing)
      #expect(try await services.get(created.id) == created)
      let updated = try await services.update(created.id, "name", "status") {
        $0.name = "other"
        $0.status = .active
      }
      #expect(updated.name == "other" && updated.status == .active)
      #expect(updated.revision > created.revision)
      #expect(try await services.get(created.id) == updated)
      let deleted = try await services.sessions.deleteSession(
        .with {
          $0.sessionID = created.id
          $0.force = true
        })
      #expect(deleted.deleted)
      let missing = try await refusal { try await services.get(created.id) }
      #expect(
        missing == Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": created.id]))
    }
  }

  @Test func aSessionThatIsNotInMemoryIsReadFromTheStore() async throws {
    // No room for any.
    try await withServices({ $0.sessionBytesMax = 0 }) { services in
      let created = try await services.create("name")
      #expect(try await services.get(created.id) == created)
      let updated = try await services.update(created.id, "name") { $0.name = "other" }
      #expect(try await services.get(created.id) == updated)
    }
  }

  @Test func aReadThatACommitOvertakesIsNotKept() async throws {
    let raced = Observed(SessionID?.none)
    try await withServices({ settings in
      // One entry to a shard or none: creating evicts.
      settings.sessionBytesMax = 16 * 1200
      settings.wrap = { store in
        InterposedRepository(store) { (id) throws(SessionError) in
          guard raced.value == id else { return }
          raced.update { $0 = nil }
          let change = SessionChange(values: SessionDraft(type: nil, name: "new", workspace: ""), mask: ["name"])
          _ = try await store.update(id, change, expectedRevision: nil)
        }
      }
    }) { services in
      let created = try await services.create("old")
      let id = try #require(SessionID(created.id))
      services.changes.cache.remove(id)
      raced.update { $0 = id }
      // Read before the change, answered after it: either is right, but it must not stay.
      _ = try await services.get(created.id)
      #expect(raced.value == nil)
      #expect(try await services.get(created.id).name == "new")
    }
  }

  @Test func aRepeatedRequestIsAnsweredAsTheFirst() async throws {
    try await withServices { services in
      func create(_ name: String, _ requestID: String) async throws -> SessionAPI.Session? {
        try await services.sessions.createSession(
          .with {
            $0.session = .with {
              $0.type = .active
              $0.name = name
              $0.workspace = "/work"
            }
            $0.requestID = requestID
          }
        ).session
      }
      let first = try await create("a", "r1")
      #expect(try await create("a", "r1") == first)
      #expect(try await create("a", "r2")?.id != first?.id)
      let reused = try await refusal { try await create("b", "r1") }
      #expect(reused?.reason == "REQUEST_ID_REUSED")
    }
  }

  @Test func everythingWrongWithARequestIsToldAtOnce() async throws {
    try await withServices { services in
      // Outside of the macro: in it, the closure and the next one would be taken for the same.
      let empty = await rpcError { try await services.sessions.createSession(.with { $0.session = .init() }) }
      let error = try #require(empty)
      #expect(error.code == .invalidArgument)
      for path in ["session.type", "session.name", "session.workspace"] { #expect(error.message.contains(path)) }
      let none = try await refusal { try await services.sessions.createSession(.init()) }
      #expect(none?.metadata == ["field": "session"])
    }
  }

  @Test func aParentThatMayNotBeIsToldWithTheRest() async throws {
    try await withServices { services in
      let nobody = "01890a5d-ac96-774b-bcce-b302099a8057"
      let top = try await services.create("top").id
      let below = try await services.create("below") { $0.parentID = top }.id
      let create = try await violations {
        try await services.create("a") {
          $0.metadata = .with { $0.fields = ["k": .init(), "n": .init(.number(.nan))] }
          $0.parentID = nobody
        }
      }
      #expect(create == ["session.metadata.n", "session.metadata.k", "session.parent_id"])
      for (id, parent) in [(top, nobody), (top, below), ("", nobody), ("nonsense", nobody), (nobody, nobody)] {
        let update = try await violations {
          try await services.sessions.updateSession(
            .with {
              $0.session = .with { ($0.id, $0.parentID) = (id, parent) }
              $0.updateMask = .with { $0.paths = ["name", "parent_id"] }
              $0.expectedRevision = -1
            })
        }
        let required = id.isEmpty ? ["session.id"] : []
        #expect(update == required + ["session.name", "expected_revision", "session.parent_id"])
      }
      // What is wrong with a request comes before that there is no such session.
      for id in ["nonsense", nobody] {
        let alone = try await violations { try await services.update(id, "parent_id") { $0.parentID = nobody } }
        #expect(alone == ["session.parent_id"])
      }
    }
  }

  @Test func whatTheMaskDoesNotNameIsNotLookedAt() async throws {
    try await withServices { services in
      let id = try await services.create("a").id
      let metadata = Google_Protobuf_Struct.with { $0.fields = ["k": .init(), "n": .init(.number(1))] }
      let renamed = try await services.update(id, "name", "metadata.n") {
        $0.name = "b"
        $0.metadata = metadata
      }
      #expect(renamed.name == "b" && renamed.metadata?.members == ["n": .number(1)])
      let named = try await violations { try await services.update(id, "metadata.k") { $0.metadata = metadata } }
      #expect(named == ["session.metadata.k"])
    }
  }

  @Test func everythingWrongWithADeletionIsToldAtOnce() async throws {
    try await withServices { services in
      for allowMissing in [false, true] {
        for (id, paths) in [("", ["session_id", "expected_revision"]), ("nonsense", ["expected_revision"])] {
          let told = try await violations {
            try await services.sessions.deleteSession(
              .with { ($0.sessionID, $0.allowMissing, $0.expectedRevision) = (id, allowMissing, -1) })
          }
          #expect(told == paths)
        }
      }
    }
  }

  @Test func everythingWrongWithAListIsToldAtOnce() async throws {
    try await withServices { services in
      let paths = try await violations {
        try await services.sessions.listSessions(
          .with {
            $0.types = [.unspecified]
            $0.where = "nothing = 1"
            $0.orderBy = [.with { $0.field = "nothing" }]
            $0.pageSize = -1
            $0.page = 1
            $0.pageToken = "t"
          })
      }
      #expect(paths == ["types[0]", "where", "order_by[0].field", "page_size", "page"])
    }
  }

  @Test func listsSayUpToWhereTheyAreComplete() async throws {
    try await withServices { services in
      for number in 0..<5 { try await services.create("s\(number)", number < 2 ? .director : .active) }
      var request = ListSessionsRequest.with {
        $0.pageSize = 2
        $0.includeTotal = true
      }
      var names: [String] = []
      repeat {
        let page = try await services.sessions.listSessions(request)
        #expect(page.sequence == 5 && page.totalSize == 5)
        names += page.sessions.map(\.name)
        request.pageToken = page.nextPageToken
      } while !request.pageToken.isEmpty
      #expect(names == ["s0", "s1", "s2", "s3", "s4"])
      let directors = try await services.sessions.listSessions(
        .with {
          $0.where = "type = ? AND name IN ('s1', 's4')"
          $0.params = [Google_Protobuf_Value(.string("director"))]
        })
      #expect(directors.sessions.map(\.name) == ["s1"])
      #expect(try await services.sessions.searchSessions(.with { $0.query = "S3" }).sessions.map(\.name) == ["s3"])
    }
  }

  private static let wrongLists: [(String, @Sendable (inout ListSessionsRequest) -> Void)] = [
    ("types[0]", { $0.types = [.unspecified] }),
    ("statuses[1]", { $0.statuses = [.active, .unrecognized(99)] }),
    ("where", { $0.where = "name ~ 'x'" }),
    ("params[0]", { $0.params = [Google_Protobuf_Value(.array([]))] }),
    ("order_by[0].field", { $0.orderBy = [.with { $0.field = "nothing" }] }),
    (
      "order_by[0].direction",
      {
        $0.orderBy = [
          .with {
            $0.field = "name"
            $0.direction = .unrecognized(9)
          }
        ]
      }
    ),
    ("page_size", { $0.pageSize = -1 }),
  ]

  @Test(arguments: wrongLists.indices) func aWrongListIsRefusedAtItsField(index: Int) async throws {
    let (path, set) = Self.wrongLists[index]
    try await withServices { services in
      let actual = try await refusal { try await services.sessions.listSessions(.with { set(&$0) }) }
      #expect(actual == Refusal(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": path]))
    }
  }

  @Test func historyComesInPages() async throws {
    try await withServices { services in
      for number in 0..<5 { try await services.create("s\(number)") }
      var sequences: [Int64] = []
      var after: Int64 = 0
      repeat {
        let page = try await services.events.listEvents(
          .with {
            $0.afterSequence = after
            $0.pageSize = 2
          })
        sequences += page.events.map(\.sequence)
        after = page.nextAfterSequence
      } while after != 0
      #expect(sequences == [1, 2, 3, 4, 5])
      let wrong = try await refusal {
        try await services.events.listEvents(
          .with {
            $0.pageSize = -1
            $0.afterSequence = -1
          })
      }
      #expect(wrong?.code == .invalidArgument)
    }
  }
}
