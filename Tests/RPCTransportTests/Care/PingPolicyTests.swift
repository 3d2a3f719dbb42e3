@testable import RPCTransport
import RPCCore
import Testing

/// What gRFC A8 says of servers whose clients send PINGs.
@Suite struct PingPolicyTests {
  /// A policy that allows a PING each 5 seconds.
  private func policy(withoutCalls: Bool = true) -> PingPolicy {
    var limits = ConnectionLimits()
    limits.keepaliveMinimumTime = .seconds(5)
    limits.keepaliveWithoutCalls = withoutCalls
    return PingPolicy(limits)
  }

  /// What becomes of PINGs that come each `interval`.
  private func outcomes(
    _ policy: inout PingPolicy, every interval: Duration, _ count: Int, from start: Duration = .zero,
    hasCalls: Bool = true, contentFramesSent: UInt64 = 0
  ) -> [Bool] {
    (0..<count).map {
      policy.receivedPing(
        at: .start + start + interval * $0, hasCalls: hasCalls, contentFramesSent: contentFramesSent)
    }
  }

  @Test func twoPingsThatComeTooSoonAreForgivenAndTheThirdIsNot() {
    var policy = policy()
    #expect(outcomes(&policy, every: .milliseconds(4999), 4) == [false, false, false, true])
  }

  @Test func pingsThatComeInTimeAreNoStrikes() {
    var policy = policy()
    #expect(!outcomes(&policy, every: .seconds(5), 100).contains(true))
  }

  @Test func patienceForgivesNothing() {
    var policy = policy()
    #expect(!outcomes(&policy, every: .seconds(1), 3).contains(true))
    #expect(!outcomes(&policy, every: .seconds(5), 3, from: .seconds(100)).contains(true))
    #expect(outcomes(&policy, every: .seconds(1), 1, from: .seconds(111)) == [true])
  }

  @Test func whatIsSentForgivesAll() {
    var policy = policy()
    #expect(!outcomes(&policy, every: .seconds(1), 3).contains(true))
    // The first after something was sent is free, and then two again.
    let next = outcomes(&policy, every: .seconds(1), 4, from: .seconds(3), contentFramesSent: 2)
    #expect(next == [false, false, false, true])
  }

  @Test("Without calls, two hours must pass where the server does not permit more", arguments: [true, false])
  func withoutCalls(isPermitted: Bool) {
    var policy = policy(withoutCalls: isPermitted)
    let outcomes = outcomes(&policy, every: .seconds(7199), 4, hasCalls: false)
    #expect(outcomes == [false, false, false, !isPermitted])
  }

  @Test func twoHoursAreEnoughWithoutCalls() {
    var policy = policy(withoutCalls: false)
    #expect(!outcomes(&policy, every: .seconds(7200), 100, hasCalls: false).contains(true))
  }

  @Test func duringCallsTheMinimumTimeIsEnough() {
    var policy = policy(withoutCalls: false)
    #expect(!outcomes(&policy, every: .seconds(5), 100, hasCalls: true).contains(true))
  }
}
