import NIOCore
import Testing

@testable import RPCTransport

@Suite struct ClientKeepaliveTests {
  private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

  private func keepalive(permitsWithoutCalls: Bool = false) throws -> ClientKeepalive {
    var settings = ClientConfiguration.Keepalive()
    settings.time = .seconds(60)
    settings.timeout = .seconds(20)
    settings.permitsWithoutCalls = permitsWithoutCalls
    return try #require(ClientKeepalive(settings, now: at(0)))
  }

  @Test func settingsWithoutATimeNeverAsk() {
    #expect(ClientKeepalive(ClientConfiguration.Keepalive(), now: at(0)) == nil)
  }

  @Test func aQuietConnectionWithCallsIsAskedAndGivenUp() throws {
    var keepalive = try keepalive()
    #expect(keepalive.advance(to: at(1), hasCalls: true) == .wait(until: at(60)))
    #expect(keepalive.advance(to: at(60), hasCalls: true) == .ping(until: at(80)))
    #expect(keepalive.advance(to: at(79), hasCalls: true) == .wait(until: at(80)))
    #expect(keepalive.advance(to: at(80), hasCalls: true) == .giveUp)
  }

  @Test func whatComesInPutsTheQuestionOff() throws {
    var keepalive = try keepalive()
    #expect(keepalive.advance(to: at(1), hasCalls: true) == .wait(until: at(60)))
    keepalive.received(at: at(50))
    #expect(keepalive.advance(to: at(60), hasCalls: true) == .wait(until: at(110)))
    #expect(keepalive.advance(to: at(110), hasCalls: true) == .ping(until: at(130)))
    keepalive.received(at: at(111))
    #expect(keepalive.advance(to: at(130), hasCalls: true) == .wait(until: at(171)))
  }

  @Test func withoutCallsThereIsNothingToAsk() throws {
    var keepalive = try keepalive()
    #expect(keepalive.phase == .dormant)
    #expect(keepalive.advance(to: at(1), hasCalls: true) == .wait(until: at(60)))
    #expect(keepalive.advance(to: at(60), hasCalls: false) == .rest)
    #expect(keepalive.phase == .dormant)
    // A call after a long rest finds out at once whether the connection is still there.
    #expect(keepalive.advance(to: at(1000), hasCalls: true) == .ping(until: at(1020)))
  }

  @Test func aConnectionThatWasAskedMustAnswerEvenIfItsCallsEnd() throws {
    var keepalive = try keepalive()
    #expect(keepalive.advance(to: at(60), hasCalls: true) == .ping(until: at(80)))
    #expect(keepalive.advance(to: at(80), hasCalls: false) == .giveUp)
  }

  @Test func whereItIsAllowedConnectionsWithoutCallsAreAsked() throws {
    var keepalive = try keepalive(permitsWithoutCalls: true)
    #expect(keepalive.advance(to: at(0), hasCalls: false) == .wait(until: at(60)))
    #expect(keepalive.advance(to: at(60), hasCalls: false) == .ping(until: at(80)))
  }
}
