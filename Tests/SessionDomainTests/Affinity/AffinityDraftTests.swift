import SessionDomain
import Testing

private let owner = SessionID(high: 1, low: 1)
private let first = SessionID(high: 1, low: 2)
private let second = SessionID(high: 1, low: 3)
private let watcher = SessionID(high: 1, low: 4)

private struct AffinityCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let draft: AffinityDraft
  let paths: [String]

  init(_ description: String, _ paths: [String] = [], _ change: (inout AffinityDraft) -> Void) {
    testDescription = description
    self.paths = paths
    var draft = AffinityDraft(sessionID: "\(owner)", targets: [.init(sessionID: "\(first)")])
    change(&draft)
    self.draft = draft
  }
}

private let cases = [
  AffinityCase("nothing wrong") { _ in },
  AffinityCase("no session", ["affinity.session_id"]) { $0.sessionID = "" },
  AffinityCase("no targets", ["affinity.targets"]) { $0.targets = [] },
  AffinityCase("1024 targets") { draft in
    draft.targets = (0..<1024).map { .init(sessionID: "\(SessionID(high: 2, low: UInt64($0)))") }
  },
  AffinityCase("1025 targets", ["affinity.targets"]) { draft in
    draft.targets = (0..<1025).map { .init(sessionID: "\(SessionID(high: 2, low: UInt64($0)))") }
  },
  AffinityCase("a target without an id", ["affinity.targets[1].session_id"]) {
    $0.targets.append(.init(sessionID: ""))
  },
  AffinityCase("the session itself", ["affinity.targets[1].session_id"]) {
    $0.targets.append(.init(sessionID: "\(owner)".uppercased()))
  },
  AffinityCase("an observer", ["affinity.targets[1].session_id"]) {
    $0.targets.append(.init(sessionID: "\(watcher)"))
  },
  AffinityCase("a target twice", ["affinity.targets[2].session_id"]) {
    $0.targets += [.init(sessionID: "\(second)"), .init(sessionID: "\(first)".uppercased())]
  },
  AffinityCase("a negative weight", ["affinity.targets[0].weight"]) { $0.targets[0].weight = -1 },
  AffinityCase("the greatest weight") { $0.targets[0].weight = .max },
  AffinityCase("every strategy") { $0.strategy = 4 },
  AffinityCase("a strategy from the future", ["affinity.strategy"]) { $0.strategy = 5 },
  AffinityCase("the shortest interval") { $0.healthCheckInterval = .nanoseconds(1) },
  AffinityCase("the longest interval") { $0.healthCheckInterval = .seconds(365 * 24 * 60 * 60) },
  AffinityCase("no time at all", ["affinity.health_check_interval"]) { $0.healthCheckInterval = .zero },
  AffinityCase("less than no time", ["affinity.health_check_interval"]) { $0.healthCheckInterval = .seconds(-1) },
  AffinityCase("more than a year", ["affinity.health_check_interval"]) {
    $0.healthCheckInterval = .seconds(365 * 24 * 60 * 60) + .nanoseconds(1)
  },
  AffinityCase("ids that are none") { draft in
    draft = AffinityDraft(sessionID: "director-1", targets: [.init(sessionID: "department-1")])
  },
  AffinityCase(
    "the session itself, and a target twice, by ids that are none",
    [
      "affinity.targets[0].session_id", "affinity.targets[2].session_id",
    ]
  ) { draft in
    draft = AffinityDraft(
      sessionID: "director-1",
      targets: ["director-1", "department-1", "department-1"].map { .init(sessionID: $0) })
  },
  AffinityCase(
    "everything at once",
    [
      "affinity.session_id", "affinity.targets[0].session_id", "affinity.targets[0].weight",
      "affinity.targets[2].session_id", "affinity.strategy", "affinity.health_check_interval",
    ]
  ) { draft in
    draft = AffinityDraft(
      sessionID: "",
      targets: [
        .init(sessionID: "\(watcher)", weight: -5), .init(sessionID: "\(first)"), .init(sessionID: "\(first)"),
      ], strategy: -1, healthCheckInterval: .seconds(-1))
  },
]

@Suite struct AffinityDraftTests {
  @Test(arguments: cases)
  fileprivate func `Every broken rule of an affinity is told with its path`(_ example: AffinityCase) {
    let checked = example.draft.check(types: [first: .active, second: .department, watcher: .observer])
    #expect(checked.violations.map(\.path) == example.paths)
    #expect(checked.violations.allSatisfy { !$0.description.isEmpty })
  }

  @Test func `What is not said is in turn, of weight 1, and looked at every 10 s`() throws {
    let draft = AffinityDraft(
      sessionID: "\(owner)", targets: [.init(sessionID: "\(first)"), .init(sessionID: "\(second)", weight: 3)])
    let affinity = try #require(draft.check(types: [:]).value).affinity(at: Timestamp(microseconds: 5))
    #expect(affinity.sessionID == owner && affinity.strategy == .roundRobin)
    #expect(affinity.targets.map(\.sessionID) == [first, second] && affinity.targets.map(\.weight) == [1, 3])
    #expect(affinity.healthCheckInterval == .seconds(10) && affinity.updateTime == Timestamp(microseconds: 5))
  }

  @Test func `The ids are in the order of the fields, and without one of them there is no value`() {
    var draft = AffinityDraft(sessionID: "\(owner)", targets: [.init(sessionID: "\(first)")])
    #expect(draft.ids == ["\(owner)", "\(first)"] && draft.check(types: [:]).value != nil)
    draft.targets += [.init(sessionID: "department-1")]
    #expect(draft.ids.last == "department-1" && draft.check(types: [:]).value == nil)
  }
}
