import GoldenMessages
import ProtobufC
import Testing

/// SplitMix64: the same numbers for the same seed.
private struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

@Suite struct MutationTests {
  @Test("What is accepted of changed bytes decodes to a message that is the same once encoded again")
  func mutations() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("MutationTests: seed \(seed)")
    var generator = Generator(state: seed)
    let corpora = try Self.corpus()
    var accepted = 0
    for _ in 0..<10_000 {
      let original = corpora[Int.random(in: 0..<corpora.count, using: &generator)]
      let bytes = Self.mutate(original, &generator)
      for isStable in [
        Self.isStable(bytes, as: Scalars.self), Self.isStable(bytes, as: Repeated.self),
        Self.isStable(bytes, as: Unpacked.self), Self.isStable(bytes, as: Maps.self),
        Self.isStable(bytes, as: Oneofs.self), Self.isStable(bytes, as: Tree.self),
      ] {
        guard let isStable else { continue }
        accepted += 1
        if !isStable { Issue.record("seed \(seed): \(bytes)") }
      }
    }
    #expect(accepted > 100, "the mutations hardly leave a message")
  }

  /// Nil where the bytes are refused.
  private static func isStable<Message: ProtobufC.ProtobufMessage>(_ bytes: [UInt8], as _: Message.Type) -> Bool? {
    // Why they are refused does not matter here; that a message cannot be encoded again is what is looked for.
    guard let message = try? decode(bytes, as: Message.self) else { return nil }
    // Equality of messages is no help where a number is NaN, hence the comparison of bytes; maps have no order.
    guard let again = try? message.encoded(), let decoded = try? decode(again, as: Message.self) else { return false }
    guard let third = try? decoded.encoded() else { return false }
    return third.sorted() == again.sorted() && again.count <= bytes.count * 20 + 64
  }

  private static func mutate(_ original: [UInt8], _ generator: inout Generator) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let place = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 2 where !bytes.isEmpty: bytes.remove(at: place)
      case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
      default: bytes += original.prefix(Int.random(in: 0...original.count, using: &generator))
      }
    }
    return bytes
  }

  private static func corpus() throws -> [[UInt8]] {
    let scalars = Scalars.with {
      $0.doubleValue = 0.5
      $0.int64Value = -7
      $0.sint32Value = -1
      $0.stringValue = "text"
      $0.bytesValue = [0, 255]
      $0.level = .negative
      $0.last = "end"
    }
    let repeated = Repeated.with {
      $0.int32Values = [1, -1, 300]
      $0.fixed64Values = [1, 2]
      $0.boolValues = [true, false]
      $0.stringValues = ["", "a"]
      $0.messages = [scalars, Scalars()]
    }
    let unpacked = Unpacked.with {
      $0.int32Values = [1, -1, 300]
      $0.levels = [.low, .lowest]
    }
    let maps = Maps.with {
      $0.byInt32 = [1: "one"]
      $0.byBool = [true: "yes"]
      $0.toMessage = ["m": scalars]
      $0.toBytes = ["b": [0]]
    }
    let tree = Tree.with {
      $0.left = .with { $0.kind = .leaf("leaf") }
      $0.children = [Tree(), .with { $0.label = "child" }]
      $0.named = ["name": Tree()]
      $0.branch = .with { $0.tree = .with { $0.label = "branch" } }
    }
    let oneofs = [
      Oneofs.with { $0.choice = .messageChoice(scalars) }, .with { $0.choice = .stringChoice("") },
      .with { $0.secondChoice = .aName("name") },
    ]
    return try [
      scalars.encoded(), repeated.encoded(), unpacked.encoded(), maps.encoded(), tree.encoded(),
    ] + oneofs.map { try $0.encoded() }
  }
}
