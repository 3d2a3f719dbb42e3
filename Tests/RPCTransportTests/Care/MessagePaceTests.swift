@testable import RPCTransport
import RPCCore
import Testing

@Suite struct MessagePaceTests {
  private let limit = Duration.seconds(10)

  private func isOver(_ pace: inout MessagePace, after time: Duration, isHeldBack: Bool = false) -> Bool {
    pace.isOver(limit, isHeldBack: isHeldBack, at: .start + time)
  }

  @Test func aMessageTakesTimeFromItsFirstByteOn() {
    var pace = MessagePace()
    #expect(!isOver(&pace, after: .days(1)))
    pace.received(isInside: true, at: .start + .seconds(100))
    pace.received(isInside: true, at: .start + .seconds(109))
    #expect(!isOver(&pace, after: .seconds(110) - .milliseconds(1)))
    #expect(isOver(&pace, after: .seconds(110)))
  }

  @Test func aMessageThatIsToComeTakesTimeAtOnce() {
    var pace = MessagePace()
    pace.begin(at: .start)
    #expect(isOver(&pace, after: .seconds(10)))
    pace.complete()
    #expect(!isOver(&pace, after: .seconds(10)))
  }

  @Test func betweenMessagesNoTimePasses() {
    var pace = MessagePace()
    pace.received(isInside: true, at: .start)
    pace.received(isInside: false, at: .start + .seconds(9))
    #expect(!isOver(&pace, after: .days(1)))
  }

  @Test func messagesThatAreNeverCutWhereBytesComeInHaveTheirOwnTimes() {
    var pace = MessagePace()
    for second in 0..<100 {
      if second > 0 { pace.complete() }
      pace.received(isInside: true, at: .start + .seconds(second))
      #expect(!isOver(&pace, after: .seconds(second)))
    }
    #expect(!isOver(&pace, after: .seconds(109) - .milliseconds(1)))
    #expect(isOver(&pace, after: .seconds(109)))
  }

  @Test func theTimeInWhichAPeerIsHeldBackIsNotItsOwn() {
    var pace = MessagePace()
    pace.received(isInside: true, at: .start)
    #expect(!isOver(&pace, after: .days(1), isHeldBack: true))
    #expect(!isOver(&pace, after: .days(1) + .seconds(10) - .milliseconds(1)))
    #expect(isOver(&pace, after: .days(1) + .seconds(10)))
  }

  @Test func withoutALimitNothingTakesTooLong() {
    var pace = MessagePace()
    pace.begin(at: .start)
    let isOver = pace.isOver(nil, isHeldBack: false, at: .start + .days(365))
    #expect(!isOver)
  }
}
