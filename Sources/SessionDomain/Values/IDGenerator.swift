/// Chooses the ids of new sessions.
///
/// A generator is a value that its owner guards; the store keeps one beside its writing connection.
public protocol IDGenerator: Sendable {
  /// An id that no earlier call has returned, greater than all of them.
  mutating func next() -> SessionID
}

/// Ids of UUID version 7 that grow strictly, also within a millisecond and when the clock steps back.
///
/// The time is 48 bits of milliseconds since 1970. The 74 random bits are drawn afresh in a new millisecond
/// and otherwise grow by a random step (RFC 9562 section 6.2, method 2), so that an id does not tell the next.
public struct MonotonicIDGenerator<Randomness: RandomNumberGenerator & Sendable>: IDGenerator {
  private let clock: any WallClock
  private var randomness: Randomness
  private var milliseconds: UInt64 = 0
  private var randomHigh: UInt64 = 0
  private var randomLow: UInt64 = 0

  /// Makes a generator that takes the time from `clock` and everything else from `randomness`.
  public init(clock: any WallClock, randomness: Randomness) {
    self.clock = clock
    self.randomness = randomness
  }

  /// The next id.
  public mutating func next() -> SessionID {
    let now = UInt64(max(0, clock.now().microseconds / 1000))
    if now > milliseconds {
      milliseconds = now
      drawRandomBits()
    } else {
      stepRandomBits()
    }
    return SessionID(
      high: (milliseconds & 0xffff_ffff_ffff) << 16 | 0x7000 | randomHigh,
      low: 0b10 << 62 | randomLow)
  }

  private mutating func drawRandomBits() {
    let bits = randomness.next()
    // The top bit starts at 0, so that a millisecond has room for 2^40 steps and more.
    randomHigh = bits & 0x7ff
    randomLow = randomness.next() >> 2
  }

  private mutating func stepRandomBits() {
    randomLow += (randomness.next() & 0xffff_ffff) + 1
    guard randomLow > Self.lowMax else { return }
    randomLow &= Self.lowMax
    randomHigh += 1
    guard randomHigh > 0xfff else { return }
    milliseconds += 1
    drawRandomBits()
  }

  private static var lowMax: UInt64 { 1 << 62 - 1 }
}

extension MonotonicIDGenerator where Randomness == SystemRandomNumberGenerator {
  /// Makes a generator that draws from the system's randomness.
  public init(clock: any WallClock) {
    self.init(clock: clock, randomness: SystemRandomNumberGenerator())
  }
}
