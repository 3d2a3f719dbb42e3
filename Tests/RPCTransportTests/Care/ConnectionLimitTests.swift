@testable import RPCTransport
import RPCCore
import Testing

/// Each limit of a connection on its edge.
@Suite struct ConnectionLimitTests {
  private typealias Seen = ConnectionCare.Observation

  struct Edge: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let limits: ConnectionLimits
    var jitter = 0.5
    /// When the connection is so old.
    var at = Duration.seconds(10)
    let action: ConnectionCare.Action
    /// How it is then.
    var hasStreams = false
    var requests: UInt64 = 0
    var headersBegan: Duration?
    var isWritable = true
    var lastReceived: Duration?

    func seen(after time: Duration) -> ConnectionCare.Observation {
      .seen(
        after: time, lastReceived: lastReceived, headersBegan: headersBegan, requests: requests, hasStreams: hasStreams,
        isWritable: isWritable)
    }
  }

  private static let edges = [
    Edge(
      testDescription: "no request", limits: .none { $0.firstRequest = .seconds(10) }, action: .close(.noRequest)),
    Edge(
      testDescription: "headers that do not end", limits: .none { $0.header = .seconds(4) },
      action: .close(.slowHeaders), requests: 1, headersBegan: .seconds(6)),
    Edge(
      testDescription: "output that is not read", limits: .none { $0.unreadOutput = .seconds(10) },
      action: .close(.unreadOutput), hasStreams: true, requests: 1, isWritable: false),
    Edge(
      testDescription: "no call", limits: .none { $0.idle = .seconds(10) }, action: .announceDrain),
    Edge(
      testDescription: "silence", limits: .none { $0.keepaliveTime = .seconds(4) }, action: .ping,
      lastReceived: .seconds(6)),
    Edge(
      testDescription: "silence during calls", limits: .none { $0.keepaliveTime = .seconds(4) }, action: .ping,
      hasStreams: true, requests: 1, lastReceived: .seconds(6)),
    Edge(
      testDescription: "the least age", limits: .none { $0.ageMax = .seconds(100) }, jitter: 0, at: .seconds(90),
      action: .announceDrain, hasStreams: true, requests: 1),
    Edge(
      testDescription: "the mean age", limits: .none { $0.ageMax = .seconds(100) }, at: .seconds(100),
      action: .announceDrain, hasStreams: true, requests: 1),
    Edge(
      // A hundred times 1.1 is a little more than 110.
      testDescription: "the greatest age", limits: .none { $0.ageMax = .seconds(100) }, jitter: 1,
      at: .milliseconds(110_001),
      action: .announceDrain, hasStreams: true, requests: 1),
  ]

  @Test("A limit holds from its time on and not before", arguments: edges)
  func edge(edge: Edge) {
    var care = ConnectionCare(edge.limits, start: .start, jitter: edge.jitter)
    // What blocks does so from the first look on.
    #expect(care.look(edge.seen(after: .zero)) == .nothing)
    #expect(care.look(edge.seen(after: edge.at - .milliseconds(1))) == .nothing)
    #expect(care.look(edge.seen(after: edge.at)) == edge.action)
  }

  @Test("Without a limit nothing happens in a year", arguments: edges)
  func noLimit(edge: Edge) {
    var care = ConnectionCare(.none(), start: .start, jitter: edge.jitter)
    #expect(care.look(edge.seen(after: .zero)) == .nothing)
    #expect(care.look(edge.seen(after: .days(365))) == .nothing)
  }

  @Test func theFirstRequestIsTheLastTimeThatItsLimitMatters() {
    var care = ConnectionCare(.none { $0.firstRequest = .seconds(10) }, start: .start, jitter: 0)
    #expect(care.look(.seen(after: .seconds(9), requests: 1)) == .nothing)
    #expect(care.look(.seen(after: .days(1), requests: 1)) == .nothing)
  }

  @Test func aConnectionIsIdleFromItsLastCallOn() {
    var care = ConnectionCare(.none { $0.idle = .seconds(10) }, start: .start, jitter: 0)
    #expect(care.look(.seen(after: .seconds(50), requests: 1, hasStreams: true)) == .nothing)
    #expect(care.look(.seen(after: .seconds(59), requests: 1)) == .nothing)
    // A call that came and went between two looks.
    #expect(care.look(.seen(after: .seconds(59), requests: 2)) == .nothing)
    #expect(care.look(.seen(after: .seconds(68), requests: 2)) == .nothing)
    #expect(care.look(.seen(after: .seconds(69), requests: 2)) == .announceDrain)
  }

  @Test func outputThatIsReadNowAndThenIsRead() {
    var care = ConnectionCare(.none { $0.unreadOutput = .seconds(10) }, start: .start, jitter: 0)
    #expect(care.look(.seen(after: .seconds(1), requests: 1, isWritable: false)) == .nothing)
    #expect(care.look(.seen(after: .seconds(10), requests: 1)) == .nothing)
    #expect(care.look(.seen(after: .seconds(11), requests: 1, isWritable: false)) == .nothing)
    #expect(care.look(.seen(after: .seconds(20), requests: 1, isWritable: false)) == .nothing)
    #expect(care.look(.seen(after: .seconds(21), requests: 1, isWritable: false)) == .close(.unreadOutput))
  }

  /// A connection that was silent for 10 seconds and was sent a PING.
  private func pinged() -> ConnectionCare {
    var care = ConnectionCare(
      .none {
        $0.keepaliveTime = .seconds(10)
        $0.keepaliveTimeout = .seconds(3)
      }, start: .start, jitter: 0)
    #expect(care.look(.seen(after: .seconds(10), lastReceived: .zero)) == .ping)
    return care
  }

  @Test func aPingThatNothingAnswersEndsTheConnection() {
    var care = pinged()
    #expect(care.look(.seen(after: .seconds(11), lastReceived: .zero)) == .nothing)
    #expect(care.look(.seen(after: .seconds(13) - .milliseconds(1), lastReceived: .zero)) == .nothing)
    #expect(care.look(.seen(after: .seconds(13), lastReceived: .zero)) == .close(.unansweredPing))
  }

  @Test func anyByteAnswersAPing() {
    var care = pinged()
    #expect(care.look(.seen(after: .seconds(13), lastReceived: .seconds(11))) == .nothing)
    // The next one is due so long after that byte.
    #expect(care.look(.seen(after: .seconds(21) - .milliseconds(1), lastReceived: .seconds(11))) == .nothing)
    #expect(care.look(.seen(after: .seconds(21), lastReceived: .seconds(11))) == .ping)
    #expect(care.look(.seen(after: .seconds(24), lastReceived: .seconds(11))) == .close(.unansweredPing))
  }

  @Test func bytesFromBeforeAPingDoNotAnswerIt() {
    var care = pinged()
    #expect(care.look(.seen(after: .seconds(13), lastReceived: .seconds(10))) == .close(.unansweredPing))
  }

  @Test("A connection that drains is watched like any other", arguments: [true, false])
  func draining(isFinal: Bool) {
    let limits = ConnectionLimits.none {
      $0.header = .seconds(3)
      $0.keepaliveTime = .seconds(3)
      $0.unreadOutput = .seconds(3)
      $0.announcementMax = .seconds(1000)
    }
    var care = ConnectionCare(limits, start: .start, jitter: 0)
    _ = care.beginDrain(at: .start, grace: nil)
    if isFinal { _ = care.announcementArrived() }
    for (seen, action) in [
      (Seen.seen(after: .seconds(5), headersBegan: .seconds(2)), ConnectionCare.Action.close(.slowHeaders)),
      (.seen(after: .seconds(5), lastReceived: .seconds(2)), .ping),
    ] {
      var copy = care
      #expect(copy.look(seen) == action)
    }
    _ = care.look(.seen(after: .seconds(5), isWritable: false))
    #expect(care.look(.seen(after: .seconds(8), isWritable: false)) == .close(.unreadOutput))
  }

  @Test(
    "Connections are looked at often enough for their shortest limit",
    arguments: [
      (Duration.seconds(3600), Duration.seconds(1)), (.seconds(1), .milliseconds(250)),
      (.milliseconds(1), .milliseconds(10)),
    ])
  func lookInterval(shortest: Duration, interval: Duration) {
    let limits = ConnectionLimits.none {
      $0.keepaliveTimeout = .seconds(3600)
      $0.header = shortest
    }
    #expect(limits.lookInterval == interval)
  }
}
