import GoldenMessages
import ProtobufC
import Testing

@Suite struct EnumTests {
  @Test("Every value has its number, and every number its value")
  func numbers() {
    let numbers: [Level: Int32] = [
      .unspecified: 0, .low: 1, .high: 2, .negative: -1, .lowest: .min, .highest: .max, .unrecognized_7: 7, .in: 8,
      .self_: 9, .default: 10, .withoutPrefix: 11,
    ]
    #expect(Set(numbers.keys) == Set(Level.allCases))
    for (value, number) in numbers {
      #expect(value.rawValue == number)
      #expect(Level(rawValue: number) == value)
    }
    #expect(Level() == .unspecified)
  }

  @Test("Aliases are the values that they stand for")
  func aliases() {
    #expect(Level.small == Level(rawValue: 1))
  }

  @Test("Values of newer schemas survive, alone, in lists, in maps and in oneofs", arguments: [3, 12, -2, 1 << 30])
  func unknownValues(number: Int32) async throws {
    let unknown = Level.unrecognized(number)
    #expect(Level(rawValue: number) == unknown && unknown.rawValue == number)
    try expectRoundTrip(Scalars.with { $0.level = unknown })
    try expectRoundTrip(Repeated.with { $0.levels = [.high, unknown, .low] })
    try expectRoundTrip(Unpacked.with { $0.levels = [unknown] })
    try expectRoundTrip(Maps.with { $0.toLevel = ["a": unknown] })
    try expectRoundTrip(Oneofs.with { $0.choice = .levelChoice(unknown) })
    let text = try await Protoc.decode(try Scalars.with { $0.level = unknown }.encoded(), as: "golden.Scalars")
    #expect(text == "level: \(number)\n")
  }

  private func expectRoundTrip<Message: ProtobufC.ProtobufMessage>(_ message: Message) throws {
    #expect(try message.encoded().withUnsafeBytes { try Message(decoding: $0) } == message)
  }
}
