import Testing

@testable import SessionDomain

/// A target that can take work, changed.
func targetState(_ number: Int = 1, _ change: (inout TargetState) -> Void = { _ in }) -> TargetState {
  var state = TargetState(
    target: AffinityTarget(sessionID: SessionID(high: 0, low: UInt64(number))), place: number, status: .active,
    isRegistered: true, isDraining: false, queuedMessages: 0, queuedMessagesMax: nil)
  change(&state)
  return state
}

@Suite struct TargetStateTests {
  @Test(arguments: SessionStatus.allCases) func `A target can take work while it is active or idle`(
    status: SessionStatus
  ) {
    let obstacle = targetState { $0.status = status }.obstacle(illness: nil)
    #expect(obstacle == ([.active, .idle].contains(status) ? nil : "is in \(status.description.uppercased())"))
  }

  @Test func `A target that is not registered, or draining, can take no work`() {
    #expect(targetState { $0.isRegistered = false }.obstacle(illness: nil) == "is not registered")
    #expect(targetState { $0.isDraining = true }.obstacle(illness: nil) == "is draining")
  }

  @Test(
    arguments: [
      (0, nil, true), (1_000_000, nil, true), (0, 0, false), (0, 1, true), (9, 10, true), (10, 10, false),
      (11, 10, false),
    ] as [(Int64, Int64?, Bool)])
  func `A target can take work while its queue is below max-queue`(queued: Int64, limit: Int64?, isAble: Bool) {
    let state = targetState { state in
      state.queuedMessages = queued
      state.queuedMessagesMax = limit
    }
    #expect((state.obstacle(illness: nil) == nil) == isAble)
  }

  @Test func `An unhealthy target can take no work`() {
    #expect(
      targetState().obstacle(illness: "status is ERROR") == "was unhealthy when last looked at: status is ERROR")
  }

  @Test func `The limit of a queue is the max-queue among the constraints`() {
    #expect(Constraint.queuedMessagesMax(in: ["a:b", "max-cpu:1", "max-queue:7"]) == 7)
    #expect(Constraint.queuedMessagesMax(in: ["max-memory:7", "no constraint"]) == nil)
  }
}
