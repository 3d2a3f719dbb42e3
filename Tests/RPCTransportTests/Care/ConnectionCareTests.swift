@testable import RPCTransport
import RPCCore
import Testing

/// Every state of a connection against everything that can happen to it.
@Suite struct ConnectionCareTests {
  enum State: CaseIterable {
    case fresh, serving, announced, refusing, leaving

    /// Care that has come this far a moment after its start.
    func reached(_ limits: ConnectionLimits) -> ConnectionCare {
      var care = ConnectionCare(limits, start: .start, jitter: 0.5)
      switch self {
      case .fresh: break
      case .serving: _ = care.look(.seen(after: .zero, requests: 1))
      case .announced: _ = care.beginDrain(at: .start, grace: limits.ageGrace)
      case .refusing:
        _ = care.beginDrain(at: .start, grace: limits.ageGrace)
        _ = care.announcementArrived()
      case .leaving: care.beginLeaving(at: .start)
      }
      return care
    }

    /// Where `care` stands, found out with copies of it.
    static func of(_ care: ConnectionCare, _ limits: ConnectionLimits) -> State {
      if care.isLeaving { return .leaving }
      var copy = care
      if copy.announcementArrived() == .drain { return .announced }
      copy = care
      if copy.beginDrain(at: .start, grace: nil) == .nothing { return .refusing }
      copy = care
      return copy.look(.seen(after: limits.firstRequest ?? .zero)) == .close(.noRequest) ? .fresh : .serving
    }
  }

  enum Event: CaseIterable {
    case drain, announcementArrived, leave, request, nothing, asLongAsAnnouncementsTake, asLongAsCallsMayTake

    func happen(to care: inout ConnectionCare, _ limits: ConnectionLimits) -> ConnectionCare.Action {
      switch self {
      case .drain: return care.beginDrain(at: .start, grace: limits.ageGrace)
      case .announcementArrived: return care.announcementArrived()
      case .leave:
        care.beginLeaving(at: .start)
        return .nothing
      case .request: return care.look(.seen(after: .milliseconds(1), requests: 2))
      case .nothing: return care.look(.seen(after: .milliseconds(1)))
      case .asLongAsAnnouncementsTake: return care.look(.seen(after: limits.announcementMax))
      case .asLongAsCallsMayTake: return care.look(.seen(after: limits.ageGrace ?? .zero))
      }
    }
  }

  private static let limits = ConnectionLimits.none {
    $0.firstRequest = .seconds(100)
    $0.ageGrace = .seconds(10)
  }

  private static func outcome(_ state: State, _ event: Event) -> (ConnectionCare.Action, State) {
    switch (state, event) {
    case (.fresh, .drain), (.serving, .drain): (.announceDrain, .announced)
    case (.fresh, .request): (.nothing, .serving)
    case (.announced, .announcementArrived), (.announced, .asLongAsAnnouncementsTake),
      (.announced, .asLongAsCallsMayTake):
      (.drain, .refusing)
    case (.refusing, .asLongAsCallsMayTake): (.close(.drained), .refusing)
    case (.leaving, .asLongAsAnnouncementsTake), (.leaving, .asLongAsCallsMayTake): (.close(.drained), .leaving)
    case (_, .leave): (.nothing, .leaving)
    case (.fresh, _), (.serving, _), (.announced, _), (.refusing, _), (.leaving, _): (.nothing, state)
    }
  }

  @Test("Every event in every state does what it is to do", arguments: State.allCases, Event.allCases)
  func transition(state: State, event: Event) {
    var care = state.reached(Self.limits)
    #expect(State.of(care, Self.limits) == state)
    let (action, next) = Self.outcome(state, event)
    #expect(event.happen(to: &care, Self.limits) == action)
    #expect(State.of(care, Self.limits) == next)
  }

  @Test func aDrainIsAnnouncedOnceThenRefuses() {
    var care = State.serving.reached(Self.limits)
    #expect(care.beginDrain(at: .start, grace: nil) == .announceDrain)
    #expect(care.beginDrain(at: .start, grace: nil) == .nothing)
    #expect(care.announcementArrived() == .drain)
    #expect(care.announcementArrived() == .nothing)
    #expect(care.beginDrain(at: .start, grace: nil) == .nothing)
  }

  @Test func aDrainWithoutGraceWaitsForItsCalls() {
    var care = State.serving.reached(Self.limits)
    _ = care.beginDrain(at: .start, grace: nil)
    _ = care.announcementArrived()
    #expect(care.look(.seen(after: .days(365), hasStreams: true)) == .nothing)
  }

  @Test func aConnectionThatDrainsForItsAgeKeepsItsGraceWhenTheServerDrains() {
    var care = State.refusing.reached(Self.limits)
    _ = care.beginDrain(at: .start, grace: nil)
    #expect(care.look(.seen(after: .seconds(10), hasStreams: true)) == .close(.drained))
  }

  @Test func aConnectionThatLeavesIsLookedAtForNothingElse() {
    var care = ConnectionCare(ConnectionLimits(), start: .start, jitter: 0.5)
    care.beginLeaving(at: .start + .days(1))
    var seen = ConnectionCare.Observation.seen(after: .days(1), headersBegan: .zero, isWritable: false)
    seen.lastReceived = .start
    #expect(care.look(seen) == .nothing)
  }
}
