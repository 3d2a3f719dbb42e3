import SessionDomain
import Synchronization
import Testing

/// The numbers of SplitMix64, for tests that can be run again.
struct SeededNumbers: RandomNumberGenerator, Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Draws only ones: the largest steps there are.
private struct LargestNumbers: RandomNumberGenerator, Sendable {
  func next() -> UInt64 { .max }
}

private final class ClockUnderTest: WallClock {
  private let milliseconds = Mutex<Int64>(1_705_314_600_000)

  func now() -> Timestamp {
    Timestamp(microseconds: milliseconds.withLock { $0 } * 1000 + 999)
  }

  func advance(_ step: Int64) {
    milliseconds.withLock { $0 += step }
  }
}

@Suite struct SessionIDTests {
  @Test(arguments: [
    "018d0d5e-7b40-7abc-8def-0123456789ab", "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
  ])
  func `The canonical form is read in any case and written in lower case`(_ text: String) throws {
    let id = try #require(SessionID(text))
    #expect(id.description == text)
    #expect(SessionID(text.uppercased()) == id)
  }

  @Test(arguments: [
    "", "018d0d5e", "018d0d5e-7b40-7abc-8def-0123456789a", "018d0d5e-7b40-7abc-8def-0123456789abc",
    "018d0d5e7b407abc8def0123456789ab", "018d0d5e-7b40-7abc-8def-0123456789ag", "{018d0d5e-7b40-7abc-8def-0123456789}",
    "018d0d5e-7b407-abc-8def-0123456789ab", " 18d0d5e-7b40-7abc-8def-0123456789ab",
    "018d0d5e-7b40-7abc-8def-0123456789é", "０18d0d5e-7b40-7abc-8def-0123456789",
  ])
  func `Anything else is no id`(_ text: String) {
    #expect(SessionID(text) == nil)
  }

  @Test func `The bytes that are lent are those of the text, which is read again`() {
    var numbers = SeededNumbers(state: 11)
    for _ in 0..<200 {
      let id = SessionID(high: numbers.next(), low: numbers.next())
      let digits = [id.high, id.low].map { half in
        let text = String(half, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
      }.joined()
      let text = id.withUTF8 { String(decoding: $0, as: UTF8.self) }
      #expect(text.filter { $0 != "-" } == digits)
      #expect(text == id.description)
      #expect(SessionID(text) == id)
    }
  }

  @Test func `Ids compare as their texts do`() {
    var numbers = SeededNumbers(state: 7)
    let ids = (0..<200).map { _ in SessionID(high: numbers.next(), low: numbers.next()) }
    #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
  }
}

@Suite struct IDGeneratorTests {
  @Test func `Ids are of version 7 and carry the time`() throws {
    let clock = ClockUnderTest()
    var generator = MonotonicIDGenerator(clock: clock, randomness: SeededNumbers(state: 1))
    let id = generator.next()
    #expect(Int64(id.high >> 16) == 1_705_314_600_000)
    #expect(id.high >> 12 & 0xf == 7)
    #expect(id.low >> 62 == 0b10)
    #expect(Array(id.description)[14] == "7")
  }

  @Test func `Ids grow within a millisecond, over milliseconds, and when the clock steps back`() {
    let clock = ClockUnderTest()
    var generator = MonotonicIDGenerator(clock: clock, randomness: SeededNumbers(state: 2))
    var last = generator.next()
    for step in [0, 0, 1, 0, 50, -1000, 0, 0, 2000, 0] as [Int64] {
      clock.advance(step)
      for _ in 0..<1000 {
        let next = generator.next()
        #expect(next > last)
        last = next
      }
    }
  }

  @Test func `Ids grow also when the random bits run over`() {
    var generator = MonotonicIDGenerator(clock: ClockUnderTest(), randomness: LargestNumbers())
    var last = generator.next()
    for _ in 0..<20_000 {
      let next = generator.next()
      #expect(next > last && next.high >> 12 & 0xf == 7 && next.low >> 62 == 0b10)
      last = next
    }
  }
}

@Suite struct TimestampTests {
  @Test func `Moments advance to the microsecond and stop at the ends`() {
    let moment = Timestamp(microseconds: 10)
    #expect(moment.advanced(by: .milliseconds(2)) == Timestamp(microseconds: 2010))
    #expect(moment.advanced(by: .microseconds(-11)) == Timestamp(microseconds: -1))
    #expect(moment.advanced(by: .seconds(Int64.max)) == Timestamp(microseconds: .max))
    #expect(moment.advanced(by: .seconds(Int64.min)) == Timestamp(microseconds: .min))
    #expect(Timestamp(microseconds: .max).advanced(by: .seconds(1)) == Timestamp(microseconds: .max))
  }

  @Test func `In each place every digit in any case is one, and no other byte is`() {
    let text = Array("01890a5d-ac96-774b-bcce-b302099a8057".utf8)
    for (place, original) in text.enumerated() {
      for byte in UInt8.min...UInt8.max {
        var changed = text
        changed[place] = byte
        let id = changed.withUnsafeBufferPointer { SessionID(utf8: $0) }
        let character = Character(UnicodeScalar(byte))
        let isRight = original == UInt8(ascii: "-") ? byte == original : character.isASCII && character.isHexDigit
        #expect(id?.description == (isRight ? String(decoding: changed, as: UTF8.self).lowercased() : nil))
      }
    }
  }
}
