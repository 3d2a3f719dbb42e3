import RPCCore
import Testing

@Suite struct MonotonicInstantTests {
  private let start = MonotonicInstant.now

  @Test(
    arguments: [.zero, .nanoseconds(1), .milliseconds(-3), .seconds(17), .seconds(19), .seconds(86400 * 365)]
      as [Duration])
  func anInstantIsAsFarAsItWasMoved(_ duration: Duration) {
    let moved = start + duration
    #expect(moved - start == duration)
    #expect(start - moved == .zero - duration)
    #expect((start < moved) == (duration > .zero))
  }

  @Test func whatIsTooFarIsAsFarAsThereIs() {
    // The longest that a caller can name: 99999999 hours.
    let long = Duration.seconds(99_999_999 * 3600)
    let end = start + long
    #expect(end > start)
    #expect(end + long == end)
    #expect(end - start > .seconds(86400 * 365 * 200))
    let beginning = start + (.zero - long)
    #expect(beginning < start)
    #expect(end - beginning > .seconds(86400 * 365 * 200))
    #expect(beginning - end < .zero)
  }
}
