import ProtobufWellKnownTypes
import SessionAPI

/// What fields are filled with: few values, so that they often meet.
struct Values: Sendable {
  var types: [SessionType]
  var names: [String]
  var workspaces: [String]
  var metadata: [String: [Google_Protobuf_Value]]
  var capabilities: [String]
  var constraints: [String]
  var environment: [String: String]
  var bytes: [String]
  var cores: [String]

  /// Values that no rule refuses.
  static let right = Values(
    types: [.director, .department, .department, .observer, .active, .active],
    names: [
      "a", "b", "alpha", "Beta", "\u{e9}", "e\u{301}", "director", String(repeating: "n", count: 256), "\u{1f600}",
    ],
    workspaces: ["/w", "/team/a", "/team/b", "/\u{e9}", "/e\u{301}", "/a..b", "/"],
    metadata: [
      "k": [.text("v"), .text("w"), .text("\u{e9}"), .text("e\u{301}"), .number(1), .flag(true), .null],
      "domain": [.text("data"), .text("web")],
      "priority": [.number(1), .number(2), .number(2.5), .text("high"), .text("low"), .null],
      "capabilities": [.list("c1", "c2"), .text("none")], "constraints": [.list("max-memory:2g"), .list()],
      "standardCapabilities": [.list("s1", "c1"), .list("s1", "s1")], "standardConstraints": [.list("zone:eu")],
      "a.b": [.number(0), .text("dotted")],
      "nested": [
        .object(["k": .number(1), "l": .list("x")]), .object(["k": .text("deep"), "gone": .null]), .object([:]),
      ],
      "big": [.text(String(repeating: "x", count: 40_000))],
    ],
    capabilities: ["c1", "c2", "\u{e9}", "e\u{301}", String(repeating: "c", count: 128)],
    constraints: [
      "max-memory:1g", "max-memory:256m", "max-cpu:2", "max-cpu:500m", "max-disk:1t", "max-queue:0", "max-queue:5",
      "timeout:0", "timeout:1000", "timeout:90000", "cpu-priority:high", "zone:eu", "x:",
    ],
    environment: ["LEVEL": "info", "_a1": "", "B": "\u{e9}"],
    bytes: ["", "100", "256m", "0.5g", "1Gi", "2048KB", "3t"],
    cores: ["", "1", "0.25", "1500m"])

  /// Values of which most are refused.
  static let wrong = Values(
    types: [.director, .active, .unspecified, .unrecognized(9)],
    names: ["a", "", "bell\u{7}", "\u{85}", String(repeating: "n", count: 257)],
    workspaces: ["/w", "", "relative", "/a/../b", "/..", "/" + String(repeating: "d", count: 4096)],
    metadata: [
      "k": [.text("v"), .number(.nan), .number(.infinity), .init(), .nested(31), .nested(32)],
      "nested": [.object(["l": .init()]), .object(["k": .number(-.infinity)])],
      "list": [.with { $0.kind = .listValue(.with { $0.values = [.null, .init()] }) }],
      "capabilities": [.list("c1", "c1"), .list("")], "constraints": [.list("nonsense")],
      "standardConstraints": [.list("max-cpu:many")], "big": [.text(String(repeating: "x", count: 66_000))],
    ],
    capabilities: ["c1", "", String(repeating: "c", count: 129)],
    constraints: [
      "max-memory:lots", "Zone:eu", "nocolon", ":x", "cpu-priority:top", "timeout:-1", "max-queue:1.5", "1a:b",
      "max-cpu:1", "max-cpu:2",
    ],
    environment: ["1A": "", "A-B": "x", "": "", "BIG": String(repeating: "v", count: 4097)],
    bytes: ["1g", "x", "1x", "1.", ".5", "-1", "1 g", "1kbb", "1ib"], cores: ["1", "x", "1.m", "-1", "1c"])
}

extension Google_Protobuf_Value {
  static let null = Google_Protobuf_Value.with { $0.kind = .nullValue(.nullValue) }

  static func text(_ text: String) -> Google_Protobuf_Value { .with { $0.kind = .stringValue(text) } }

  static func number(_ number: Double) -> Google_Protobuf_Value { .with { $0.kind = .numberValue(number) } }

  static func flag(_ flag: Bool) -> Google_Protobuf_Value { .with { $0.kind = .boolValue(flag) } }

  static func list(_ texts: String...) -> Google_Protobuf_Value {
    .with { $0.kind = .listValue(.with { $0.values = texts.map { .text($0) } }) }
  }

  static func object(_ members: [String: Google_Protobuf_Value]) -> Google_Protobuf_Value {
    .with { $0.kind = .structValue(.with { $0.fields = members }) }
  }

  /// So many lists in each other.
  fileprivate static func nested(_ depth: Int) -> Google_Protobuf_Value {
    (0..<depth).reduce(.number(1)) { value, _ in .with { $0.kind = .listValue(.with { $0.values = [value] }) } }
  }
}

/// Choices that are the same for the same seed, everywhere.
struct SequenceRandom {
  private var generator: SplitMix64

  init(seed: UInt64) {
    generator = SplitMix64(state: seed)
  }

  mutating func isChosen(_ count: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &generator) < count }

  mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: values.indices, using: &generator)]
  }

  mutating func pick<Number: FixedWidthInteger>(_ range: Range<Number>) -> Number {
    Number.random(in: range, using: &generator)
  }

  mutating func pick<Value>(weighted values: [(weight: Int, value: Value)]) -> Value {
    var place = pick(0..<values.reduce(0) { $0 + $1.weight })
    for (weight, value) in values {
      if place < weight { return value }
      place -= weight
    }
    return values[0].value
  }

  /// A few of the texts; rarely too many, or one twice.
  mutating func list(_ texts: [String]) -> [String] {
    if isChosen(1, in: 200) { return (0..<129).map { "x\($0):" } }
    if isChosen(1, in: 60) { return [texts[0], texts[0]] }
    return texts.filter { _ in isChosen(1, in: 6) }
  }

  mutating func metadata(_ values: Values) -> Google_Protobuf_Struct? {
    guard isChosen(3, in: 4) else { return isChosen(1, in: 2) ? nil : .init() }
    return .with {
      for key in values.metadata.keys.sorted() where isChosen(1, in: key == "big" ? 20 : 4) {
        $0.fields[key] = pick(values.metadata[key] ?? [])
      }
    }
  }

  mutating func environment(_ values: Values) -> [String: String] {
    guard isChosen(1, in: 3) else { return [:] }
    if isChosen(1, in: 100) { return Dictionary(uniqueKeysWithValues: (0..<257).map { ("V\($0)", "") }) }
    let keys = values.environment.keys.sorted().filter { _ in isChosen(1, in: 2) }
    return Dictionary(uniqueKeysWithValues: keys.map { ($0, values.environment[$0] ?? "") })
  }
}

/// Steele, Lea and Flood's generator.
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
