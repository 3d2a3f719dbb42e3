import HTTP2
@testable import RPCTransport
import RPCCore
import Testing

@Suite struct FrameBudgetTests {
  /// Ten frames at once, then four a second.
  private func budget() -> FrameBudget {
    var limits = ConnectionLimits()
    limits.controlFramesBurst = 10
    limits.controlFramesPerSecond = 4
    return FrameBudget(limits, at: .start)
  }

  /// How many of `count` frames the budget takes.
  private func taken(
    _ budget: inout FrameBudget, _ frame: FrameHeader, _ count: Int = 1000, after time: Duration = .zero,
    contentFramesSent: UInt64 = 0
  ) -> Int {
    (0..<count).prefix { _ in budget.take(frame, at: .start + time, contentFramesSent: contentFramesSent) }.count
  }

  private static func frame(_ type: FrameType, flags: UInt8 = 0, bytes: Int = 0) -> FrameHeader {
    FrameHeader(type: type, flags: flags, stream: 1, payloadBytes: bytes)
  }

  private static let counted = [
    frame(.ping, bytes: 8), frame(.ping, flags: 1, bytes: 8), frame(.settings), frame(.settings, flags: 1),
    frame(.priority, bytes: 5), frame(.goAway, bytes: 8), frame(.windowUpdate, bytes: 4), frame(.data),
    frame(FrameType(rawValue: 0xFA), bytes: 100),
  ]

  @Test("Frames that bring no call on are taken as many as the burst", arguments: counted)
  func burst(frame: FrameHeader) {
    var budget = budget()
    #expect(taken(&budget, frame) == 10)
  }

  @Test(
    "Frames that are a call's, or are bounded elsewhere, are always taken",
    arguments: [
      frame(.headers, flags: 4, bytes: 10), frame(.continuation, bytes: 10), frame(.resetStream, bytes: 4),
      frame(.data, bytes: 1), frame(.data, flags: 1),
    ])
  func free(frame: FrameHeader) {
    var budget = budget()
    #expect(taken(&budget, frame) == 1000)
    #expect(taken(&budget, Self.frame(.ping)) == 10)
  }

  @Test func theBudgetFillsWithTimeUpToTheBurst() {
    var budget = budget()
    let ping = Self.frame(.ping)
    #expect(taken(&budget, ping) == 10)
    #expect(taken(&budget, ping, after: .milliseconds(249)) == 0)
    #expect(taken(&budget, ping, after: .milliseconds(250)) == 1)
    #expect(taken(&budget, ping, after: .milliseconds(1500)) == 5)
    #expect(taken(&budget, ping, after: .seconds(100)) == 10)
  }

  @Test func allKindsShareOneBudget() {
    var budget = budget()
    #expect(Self.counted.allSatisfy { taken(&budget, $0, 1) == 1 })
    #expect(taken(&budget, Self.frame(.settings)) == 1)
  }

  @Test func everyFrameSentMayBeAnsweredWithTwoWindowUpdates() {
    var budget = budget()
    let update = Self.frame(.windowUpdate, bytes: 4)
    #expect(taken(&budget, update, 200, contentFramesSent: 100) == 200)
    #expect(taken(&budget, Self.frame(.ping), 5) == 5)
    // More of them are frames like any other.
    #expect(taken(&budget, update, contentFramesSent: 100) == 5)
  }
}
