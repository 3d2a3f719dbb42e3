import SessionDomain
import Testing

private func session(_ status: SessionStatus) -> Session {
  Session(
    id: SessionID(high: 1, low: 1), type: .active, name: "a", status: status, workspace: "/",
    createTime: Timestamp(microseconds: 0), revision: 5)
}

private func editor(_ session: Session) -> SessionEditor {
  SessionEditor(session, at: Timestamp(microseconds: 9), after: 5)
}

@Suite struct LifecycleTests {
  @Test(arguments: SessionStatus.allCases)
  func `A session whose time is over makes the one move of its status`(_ status: SessionStatus) throws {
    var editor = editor(session(status))
    try editor.expire()
    let expected: [SessionStatus: SessionStatus] = [.initializing: .error, .active: .idle, .idle: .terminated]
    #expect(editor.session.status == expected[status] ?? status)
    #expect(editor.events.isEmpty == (expected[status] == nil))
    #expect(editor.session.lastActivityTime == session(status).lastActivityTime)
  }

  @Test(arguments: SessionStatus.allCases)
  func `Statuses at work are those that may register, move and expire`(_ status: SessionStatus) throws {
    #expect(status.isLive == [.initializing, .active, .idle].contains(status))
    #expect((Inactivity.timeout(in: status, [], orElse: .seconds(1)) != nil) == status.isLive)
    let refusal = SessionError.illegalTransition(from: status, to: .active, allowed: status.allowedMoves)
    var editor = editor(session(status))
    guard status.isLive else {
      #expect(throws: refusal) { try editor.register(messageTypes: [], priority: nil) }
      #expect(throws: refusal) { try editor.migrate(to: "/new", preservesState: true) }
      #expect(editor.events.isEmpty && editor.session == session(status))
      return
    }
    try editor.register(messageTypes: ["A"], priority: .low)
    try editor.migrate(to: "/new", preservesState: true)
    #expect(editor.events.map(\.kind) == [.registered, .migrated])
  }

  @Test(arguments: [
    ([], Duration.seconds(9)), (["timeout:5000"], .seconds(5)), (["timeout:0"], nil),
    (["a:b", "timeout:1"], .milliseconds(1)), (["timeout:9223372036854775807"], .milliseconds(Int64.max)),
  ])
  func `A session's own timeout takes the place of the server's`(_ constraints: [String], _ timeout: Duration?) {
    #expect(Inactivity.timeout(in: .active, constraints, orElse: .seconds(9)) == timeout)
    #expect(Inactivity.timeout(in: .active, constraints, orElse: .zero) == (constraints.isEmpty ? nil : timeout))
  }

  @Test func `Draining is told of once, and only by what is registered`() throws {
    var unregistered = editor(session(.active))
    unregistered.drain()
    #expect(unregistered.events.isEmpty)
    var registered = editor(session(.active))
    try registered.register(messageTypes: [], priority: nil)
    registered.drain()
    registered.drain()
    #expect(registered.events.map(\.kind) == [.registered, .updated])
    #expect(registered.session.registration?.isDraining == true)
  }

  @Test func `Capacity is what all allocations share, and what does not grow is never refused`() {
    var capacity = ResourceCapacity()
    capacity.memoryBytes = 100
    func resources(_ bytes: Int64) -> ResourceAllocation {
      ResourceAllocation(memoryBytes: bytes, cpuMillicores: 0, diskBytes: 0)
    }
    #expect(capacity.shortage(replacing: nil, with: resources(40), of: resources(60)) == nil)
    #expect(capacity.shortage(replacing: nil, with: resources(41), of: resources(60))?.available == 40)
    #expect(capacity.shortage(replacing: resources(60), with: resources(100), of: resources(60)) == nil)
    #expect(capacity.shortage(replacing: resources(60), with: resources(101), of: resources(60))?.available == 100)
    // The capacity was lowered below what is allocated already.
    #expect(capacity.shortage(replacing: resources(150), with: resources(120), of: resources(200)) == nil)
    #expect(capacity.shortage(replacing: resources(50), with: resources(51), of: resources(200))?.available == 0)
    #expect(capacity.shortage(replacing: resources(50), with: nil, of: resources(200)) == nil)
    let unlimited = ResourceCapacity()
    #expect(unlimited.shortage(replacing: nil, with: resources(.max), of: resources(0)) == nil)
    #expect(unlimited.shortage(replacing: nil, with: resources(1), of: resources(.max))?.available == 0)
  }
}
