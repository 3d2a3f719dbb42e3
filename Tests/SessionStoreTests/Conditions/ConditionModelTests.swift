import SessionDomain
import Testing

@testable import SessionStore

/// Random conditions over random sessions: SQLite must say what the model says.
struct ConditionModelTests {
  @Test(arguments: UInt64(1)...12)
  func randomConditionsMeanWhatTheModelSays(seed: UInt64) throws {
    var random = RandomConditions(seed: seed)
    let table = try ConditionTable()
    let rows = (0..<25).map { random.row(id: "\(10 + $0)") }
    for row in rows { try table.insert(row) }

    for _ in 0..<150 {
      let (text, parameters) = random.condition()
      let condition = try Condition.parse(text, parameters: parameters)
      let expected = rows.map { ConditionModel(row: $0).truth(condition) }
      #expect(try table.truths(condition) == expected, "\(text) \(parameters)")
    }
  }
}

/// Makes sessions and conditions out of a few values that often meet.
private struct RandomConditions {
  private static let texts = ["", "a", "A", "5", "1", "true", "ab", "a%", "\u{e9}", "[1]"]
  private static let keys = ["k", "\"", "o", ""]
  private static let columns = [
    "name", "workspace", "templateName", "statusReason", "revision", "parentId", "environment->>'k'",
    "environment->>'\"'",
  ]
  private var generator: SeededGenerator
  private var parameters: [ConditionValue] = []

  init(seed: UInt64) {
    generator = SeededGenerator(state: seed)
  }

  mutating func row(id: String) -> ConditionRow {
    ConditionRow(
      id: id, type: pick(SessionType.allCases), status: pick(SessionStatus.allCases), name: pick(Self.texts),
      workspace: pick(Self.texts), metadata: members(depth: 2), capabilities: [pick(Self.texts), pick(Self.texts)],
      environment: [pick(Self.keys): pick(Self.texts)], parentID: optionalText(), templateName: optionalText(),
      statusReason: optionalText(), createTime: number(), startTime: pick([nil, number()]), revision: number())
  }

  /// A condition's text and its parameters.
  mutating func condition() -> (String, [ConditionValue]) {
    parameters = []
    let text = disjunction(depth: 3)
    return (text, parameters)
  }

  private mutating func disjunction(depth: Int) -> String {
    let terms = (0..<pick([1, 1, 2, 3])).map { _ in term(depth: depth) }
    return terms.joined(separator: pick([" AND ", " OR "]))
  }

  private mutating func term(depth: Int) -> String {
    let negation = pick(["", "", "NOT "])
    if depth > 0, pick([true, false]) { return "\(negation)(\(disjunction(depth: depth - 1)))" }
    return negation + test()
  }

  private mutating func test() -> String {
    switch pick(Array(0..<10)) {
    case 0: return "\(pick(["capabilities", "constraints"])) HAS \(value())"
    case 1: return "type \(pick(["=", "!=", "<", ">="])) \(pick(["'DIRECTOR'", "'session_type_observer'", "2"]))"
    case 2: return "status IN ('ACTIVE', \(pick(["'ERROR'", "1", "'session_status_idle'"])))"
    case 3: return "startedAt \(pick(["=", "<", ">", "!="])) \(pick(["0", "0.001", "'1970-01-01T00:00:00.000005Z'"]))"
    case 4...6: return test(of: pick(Self.columns))
    default: return test(of: "metadata->>'\(pick(Self.keys))'")
    }
  }

  private mutating func test(of column: String) -> String {
    let field = column == "metadata->>'o'" ? "metadata->'o'->>'\(pick(Self.keys))'" : column
    let negation = pick(["", "NOT "])
    switch pick(Array(0..<6)) {
    case 0: return "\(field) IS \(negation)NULL"
    case 1: return "\(field) \(negation)IN (\(value()), \(value()), \(value()))"
    case 2: return "\(field) \(negation)LIKE \(pick([true, false]) ? value() : pick(["'%'", "'a%'", "'_'", "'%5%'"]))"
    case 3: return "\(field) \(negation)BETWEEN \(value()) AND \(value())"
    default: return "\(field) \(pick(["=", "!=", "<>", "<", "<=", ">", ">="])) \(value())"
    }
  }

  private mutating func value() -> String {
    switch pick(Array(0..<6)) {
    case 0:
      parameters.append(pick([.null, .bool(true), .number(1), .string("a")]))
      return "?"
    case 1: return pick(["true", "false"])
    case 2, 3: return pick(["0", "1", "5", "-1", "2.5"])
    default: return "'\(pick(Self.texts))'"
    }
  }

  private mutating func members(depth: Int) -> [String: JSONValue] {
    var members: [String: JSONValue] = [:]
    for key in Self.keys where pick([true, true, false]) { members[key] = json(depth: depth) }
    if depth > 1 { members["o"] = .object(self.members(depth: depth - 1)) }
    return members
  }

  private mutating func json(depth: Int) -> JSONValue {
    switch pick(Array(0..<7)) {
    case 0: return .null
    case 1: return .bool(pick([true, false]))
    case 2, 3: return .number(pick([0, 1, 5, -1, 2.5]))
    case 4: return .array([.number(1)])
    default: return .string(pick(Self.texts))
    }
  }

  private mutating func optionalText() -> String? { pick([nil, pick(Self.texts)]) }

  private mutating func number() -> Int64 { pick([0, 1, 5, -1]) }

  private mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &generator)]
  }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
