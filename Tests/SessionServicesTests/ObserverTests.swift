import ProtobufWellKnownTypes
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

@Suite(.timeLimit(.minutes(5))) struct ObserverTests {
  private func targets(_ globs: [String]) -> Google_Protobuf_Struct {
    Google_Protobuf_Struct(["monitoringTargets": .array(globs.map { .string($0) })])
  }

  private func observer(_ services: ServiceFixture, _ globs: String...) async throws -> SessionAPI.Session {
    try await services.create("observer", .observer) { $0.metadata = targets(globs) }
  }

  @Test func anObserverSeesWhatItsTargetsMatch() async throws {
    try await withServices { services in
      let special = try await services.create("special")
      let observer = try await observer(services, "department-*", special.id)
      var watch = try await services.watch { $0.observerID = observer.id }
      #expect(try await watch.bookmark() == 2)
      try await services.create("other")
      let department = try await services.create("department-1", .department)
      try await services.update(special.id, "name") { $0.name = "renamed" }
      #expect(try await watch.event()?.sessionID == department.id)
      #expect(try await watch.event()?.sessionID == special.id)
    }
  }

  @Test func patternsAreFewAndTextsAsManyAsThereIsRoomFor() async throws {
    try await withServices { services in
      let texts = (0..<2000).map { "session-\($0)" }
      let patterns = (0..<64).map { "team-\($0)-*" }
      let observer = try await services.create("observer", .observer) { $0.metadata = targets(texts + patterns) }
      var watch = try await services.watch { $0.observerID = observer.id }
      _ = try await watch.bookmark()
      try await services.create("session-2000")
      let ids = [try await services.create("session-1999").id, try await services.create("team-63-x").id]
      for id in ids { #expect(try await watch.event()?.sessionID == id) }
      // One more ends it, as it is refused to begin with.
      try await services.update(observer.id, "metadata") { $0.metadata = targets(patterns + ["one-more-*"]) }
      let description = "an observer has at most 64 monitoringTargets with *"
      #expect(await rpcError { try await watch.event() }?.message.contains(description) ?? false)
      let refusal = await rpcError {
        var second = try await services.watch { $0.observerID = observer.id }
        _ = try await second.bookmark()
      }
      #expect(refusal?.code == .invalidArgument && refusal?.message.contains(description) ?? false)
    }
  }

  @Test func theSnapshotOfAnObserverIsOfItsTargets() async throws {
    try await withServices { services in
      try await services.create("other")
      let department = try await services.create("department-1", .department)
      let observer = try await observer(services, "department-*")
      var watch = try await services.watch {
        $0.observerID = observer.id
        $0.includeSnapshot = true
      }
      #expect(try await watch.snapshot().sessions.map(\.id) == [department.id])
    }
  }

  @Test func newTargetsCountFromTheirChangeOn() async throws {
    try await withServices { services in
      let observer = try await observer(services, "a-*")
      var watch = try await services.watch { $0.observerID = observer.id }
      #expect(try await watch.bookmark() == 1)
      try await services.create("b-1")
      try await services.update(observer.id, "metadata") { $0.metadata = targets(["b-*"]) }
      let second = try await services.create("b-2")
      #expect(try await watch.event()?.sessionID == second.id)
    }
  }

  @Test func targetsThatChangeAsTheWatchBeginsAreSeen() async throws {
    let observerID = Observed(SessionID?.none)
    let globs = targets(["b-*"])
    try await withServices({ settings in
      settings.wrap = { store in
        InterposedRepository(store) { (id) throws(SessionError) in
          // Between the watch's first look at its observer and its start.
          guard observerID.value == id else { return }
          observerID.update { $0 = nil }
          let change = SessionChange(
            values: SessionDraft(type: nil, name: "", workspace: "", metadata: globs.members), mask: ["metadata"])
          _ = try await store.update(id, change, expectedRevision: nil)
        }
      }
    }) { services in
      let observer = try await observer(services, "a-*")
      observerID.update { $0 = SessionID(observer.id) }
      var watch = try await services.watch { $0.observerID = observer.id }
      #expect(try await watch.bookmark() == 2)
      let first = try await services.create("b-1")
      try await services.create("a-1")
      let second = try await services.create("b-2")
      #expect(try await watch.event()?.sessionID == first.id)
      #expect(try await watch.event()?.sessionID == second.id)
    }
  }

  @Test func aDeletedObserverEndsItsWatch() async throws {
    try await withServices { services in
      let observer = try await observer(services, "*")
      var watch = try await services.watch { $0.observerID = observer.id }
      #expect(try await watch.bookmark() == 1)
      _ = try await services.sessions.deleteSession(
        .with {
          $0.sessionID = observer.id
          $0.force = true
        })
      let ending = try await refusal {
        while try await watch.next() != nil {}
        return true
      }
      #expect(
        ending
          == Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": observer.id]))
    }
  }

  @Test func onlyAnObserverObserves() async throws {
    try await withServices { services in
      let session = try await services.create("director", .director)
      let actual = try await refusal {
        var watch = try await services.watch { $0.observerID = session.id }
        return try await watch.next() != nil
      }
      #expect(
        actual == Refusal(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "observer_id"]))
    }
  }

  @Test(arguments: [
    ("", "", true), ("", "a", false), ("a", "a", true), ("a", "A", false), ("*", "", true), ("*", "anything", true),
    ("**", "anything", true), ("a*", "a", true), ("a*", "ab", true), ("a*", "ba", false), ("*a", "ba", true),
    ("*a", "ab", false), ("a*a", "a", false), ("a*a", "aa", true), ("a*a", "aba", true), ("a*b*c", "abc", true),
    ("a*b*c", "a-b-b-c", true), ("a*b*c", "acb", false), ("*ab*ab*", "abab", true), ("*ab*ab*", "aab", false),
    ("*aab", "aaab", true), ("a?", "ab", false), ("a?", "a?", true), ("[a]", "a", false), ("a.c", "abc", false),
    ("department-*", "department-1", true), ("department-*", "my-department-1", false), ("ä*", "äö", true),
    ("*ö", "äö", true), ("a**b", "ab", true), ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
  ])
  func aGlobKnowsTheAsteriskOnly(row: (pattern: String, text: String, matches: Bool)) {
    #expect(Glob(row.pattern).matches(row.text) == row.matches)
  }

  @Test func aGlobFindsWhatTryingAllFinds() {
    func matches(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let next = pattern.first else { return text.isEmpty }
      if next != "*" { return text.first == next && matches(pattern.dropFirst(), text.dropFirst()) }
      return text.indices.contains { matches(pattern.dropFirst(), text[$0...]) } || matches(pattern.dropFirst(), "")
    }
    func words(_ letters: String, _ length: Int) -> [String] {
      length == 0 ? [""] : [""] + words(letters, length - 1).flatMap { word in letters.map { "\(word)\($0)" } }
    }
    let texts = Set(words("ab", 6))
    for pattern in Set(words("ab*", 4)).map({ "*\($0)" }) {
      let glob = Glob(pattern)
      for text in texts where glob.matches(text) != matches(pattern[...], text[...]) {
        Issue.record("\(pattern) and \(text)")
      }
    }
  }
}
