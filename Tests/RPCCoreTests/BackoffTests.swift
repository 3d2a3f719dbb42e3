import RPCCore
import Testing

@Suite struct BackoffTests {
  private let backoff = Backoff(initial: .seconds(1), multiplier: 1.6, max: .seconds(120), jitter: 0.2)

  private func milliseconds(_ failures: Int, _ random: Double, _ backoff: Backoff) -> Int64 {
    let (seconds, attoseconds) = backoff.pause(afterFailures: failures, random: random).components
    // Rounded: products of 1.6 are not exact.
    return seconds * 1000 + (attoseconds + 500_000_000_000_000) / 1_000_000_000_000_000
  }

  @Test func pausesGrowByTheFactorUpToTheLongest() {
    #expect((1...5).map { milliseconds($0, 0.5, backoff) } == [1000, 1600, 2560, 4096, 6554])
    #expect(milliseconds(100, 0.5, backoff) == 120_000)
    #expect(milliseconds(.max, 0.5, backoff) == 120_000)
  }

  @Test(arguments: [(0.0, 800), (0.5, 1000), (1.0, 1200)] as [(Double, Int64)])
  func jitterGoesBothWays(random: Double, pause: Int64) {
    #expect(milliseconds(1, random, backoff) == pause)
  }

  @Test func aConstantPauseStaysOne() {
    let constant = Backoff(initial: .seconds(1), multiplier: 1, max: .seconds(2), jitter: 0)
    #expect(milliseconds(.max, 1, constant) == 1000)
  }
}
