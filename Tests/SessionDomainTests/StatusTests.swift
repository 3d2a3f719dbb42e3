import SessionDomain
import Testing

private let moves: [SessionStatus: Set<SessionStatus>] = [
  .initializing: [.active, .error], .active: [.idle, .completed, .error, .terminated],
  .idle: [.active, .terminated], .completed: [], .error: [.terminated], .terminated: [],
]

private func session(_ status: SessionStatus) -> Session {
  Session(
    id: SessionID(high: 1, low: 1), type: .active, name: "a", status: status, workspace: "/",
    createTime: Timestamp(microseconds: 0), revision: 5)
}

@Suite struct StatusTests {
  @Test(arguments: SessionStatus.allCases, SessionStatus.allCases)
  func `A session moves exactly where the table lets it`(_ from: SessionStatus, _ to: SessionStatus) throws {
    #expect(from.canMove(to: to) == moves[from]?.contains(to))
    #expect(from.isFinal == moves[from]?.isEmpty)
    var editor = SessionEditor(session(from), at: Timestamp(microseconds: 9), after: 5)
    guard from != to else {
      try editor.move(to: to, reason: "r")
      #expect(editor.events.isEmpty && editor.session == session(from))
      return
    }
    guard from.canMove(to: to) else {
      #expect(throws: SessionError.illegalTransition(from: from, to: to, allowed: from.allowedMoves)) {
        try editor.move(to: to, reason: "r")
      }
      #expect(editor.events.isEmpty && editor.session == session(from))
      return
    }
    try editor.move(to: to, reason: "r")
    #expect(editor.session.status == to && editor.session.statusReason == "r")
    #expect(editor.session.revision == editor.events.last?.sequence && editor.sequence == editor.session.revision)
    #expect(editor.events.map(\.sequence) == Array(6..<6 + Int64(editor.events.count)))
  }

  @Test(arguments: SessionStatus.allCases)
  func `A session is terminated along allowed moves`(_ from: SessionStatus) throws {
    var editor = SessionEditor(session(from), at: Timestamp(microseconds: 9), after: 5)
    try editor.terminate(reason: "why")
    #expect(editor.session.status == (from == .completed ? .completed : .terminated))
    switch from {
    case .completed, .terminated: #expect(editor.events.isEmpty)
    case .active, .idle, .error: #expect(editor.events.map(\.kind) == [.statusChanged, .terminated])
    case .initializing:
      #expect(editor.events.map(\.kind) == [.statusChanged, .error, .statusChanged, .terminated])
      #expect(editor.events.map(\.error) == ["", "shut down before it started: why", "", ""])
      #expect(editor.session.statusReason == "why")
    }
  }

  @Test func `The end takes the registration, after the termination`() throws {
    var registered = session(.active)
    registered.registration = Registration(
      messageTypes: [], priority: nil, registerTime: Timestamp(microseconds: 1), isDraining: false)
    var editor = SessionEditor(registered, at: Timestamp(microseconds: 9), after: 5)
    try editor.move(to: .terminated, reason: "why")
    #expect(editor.events.map(\.kind) == [.statusChanged, .terminated, .deregistered])
    #expect(editor.events.map(\.reason) == ["why", "why", "why"])
    #expect(editor.session.registration == nil)
  }

  @Test func `The first activation is the start`() throws {
    var editor = SessionEditor(session(.idle), at: Timestamp(microseconds: 9), after: 5)
    try editor.move(to: .active, reason: nil)
    #expect(editor.session.startTime == Timestamp(microseconds: 9))
    var again = SessionEditor(editor.session, at: Timestamp(microseconds: 10), after: 6)
    try again.move(to: .idle, reason: nil)
    try again.move(to: .active, reason: nil)
    #expect(again.session.startTime == Timestamp(microseconds: 9))
  }

  @Test func `A tightened constraint below the allocation is refused and undone`() throws {
    var allocated = session(.active)
    allocated.resources = ResourceAllocation(memoryBytes: 2 << 30, cpuMillicores: 0, diskBytes: 0)
    var values = SessionDraft(type: nil, name: "b", workspace: "")
    values.constraints = ["max-memory:1g"]
    let edit = try #require(SessionChange(values: values, mask: ["constraints", "name"]).check().value)
    var editor = SessionEditor(allocated, at: Timestamp(microseconds: 9), after: 5)
    #expect(throws: SessionError.constraintExceeded(constraint: "max-memory", allocated: 2 << 30, allowed: 1 << 30)) {
      try editor.apply(edit)
    }
    #expect(editor.session == allocated && editor.events.isEmpty)
  }
}
