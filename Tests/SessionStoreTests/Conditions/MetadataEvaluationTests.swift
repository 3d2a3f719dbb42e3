import SessionDomain
import Testing

@testable import SessionStore

/// What every test is for every kind of value in the metadata.
struct MetadataEvaluationTests {
  /// One session for each; the first has none.
  private static let values: [JSONValue?] = [
    nil, .null, .bool(true), .bool(false), .number(0), .number(1), .number(5), .number(5.5), .string("5"),
    .string("five"), .string(""), .string("true"), .array([.number(1)]), .object(["a": .number(1)]),
  ]

  /// The truths in the order of the values: T, F, and U for unknown.
  private static let truths: [(test: String, parameters: [ConditionValue], truths: String)] = [
    // null------|bool-|0 1 5 5.5|texts----|[1] {"a":1}
    ("= 5", [], "UU FF FFTF FFFF FF"),
    ("= ?", [.number(5)], "UU FF FFTF FFFF FF"),
    ("= 5.5", [], "UU FF FFFT FFFF FF"),
    ("= 1", [], "UU FF FTFF FFFF FF"),
    ("= 0", [], "UU FF TFFF FFFF FF"),
    ("= -0", [], "UU FF TFFF FFFF FF"),
    ("= true", [], "UU TF FFFF FFFF FF"),
    ("= ?", [.bool(false)], "UU FT FFFF FFFF FF"),
    ("= '5'", [], "UU FF FFFF TFFF FF"),
    ("= 'true'", [], "UU FF FFFF FFFT FF"),
    ("= ''", [], "UU FF FFFF FFTF FF"),
    ("= '[1]'", [], "UU FF FFFF FFFF TF"),
    ("= '{\"a\":1}'", [], "UU FF FFFF FFFF FT"),
    ("= ?", [.null], "UU UU UUUU UUUU UU"),
    ("!= ?", [.null], "UU UU UUUU UUUU UU"),
    ("!= 5", [], "UU TT TTFT TTTT TT"),
    ("<> 1", [], "UU TT TFTT TTTT TT"),
    ("!= true", [], "UU FT TTTT TTTT TT"),
    ("!= '5'", [], "UU TT TTTT FTTT TT"),
    ("< 5", [], "UU UU TTFF UUUU UU"),
    ("<= 5", [], "UU UU TTTF UUUU UU"),
    ("> 0", [], "UU UU FTTT UUUU UU"),
    (">= 5.5", [], "UU UU FFFT UUUU UU"),
    ("< '5'", [], "UU UU UUUU FFTF FF"),
    (">= '5'", [], "UU UU UUUU TTFT TT"),
    ("> 'five'", [], "UU UU UUUU FFFT FT"),
    ("< true", [], "UU FT UUUU UUUU UU"),
    (">= true", [], "UU TF UUUU UUUU UU"),
    ("< ?", [.null], "UU UU UUUU UUUU UU"),
    ("IN (5, 'five', true)", [], "UU TF FFTF FTFF FF"),
    ("IN (1)", [], "UU FF FTFF FFFF FF"),
    ("IN (5, ?)", [.null], "UU UU UUTU UUUU UU"),
    ("IN (1, ?)", [.null], "UU UU UTUU UUUU UU"),
    ("NOT IN (5, '5')", [], "UU TT TTFT FTTT TT"),
    ("NOT IN (1, ?)", [.null], "UU UU UFUU UUUU UU"),
    ("NOT IN ('x', false)", [], "UU TF TTTT TTTT TT"),
    ("LIKE '%5%'", [], "UU FF FFFF TFFF FF"),
    ("LIKE 'FIVE'", [], "UU FF FFFF FTFF FF"),
    ("LIKE '%'", [], "UU FF FFFF TTTT TT"),
    ("LIKE '_'", [], "UU FF FFFF TFFF FF"),
    ("LIKE 5", [], "UU FF FFFF FFFF FF"),
    ("LIKE true", [], "UU FF FFFF FFFF FF"),
    ("LIKE ?", [.null], "UU UU UUUU UUUU UU"),
    ("NOT LIKE 'f%'", [], "UU TT TTTT TFTT TT"),
    ("NOT LIKE 5", [], "UU TT TTTT TTTT TT"),
    ("IS NULL", [], "TT FF FFFF FFFF FF"),
    ("IS NOT NULL", [], "FF TT TTTT TTTT TT"),
    ("BETWEEN 1 AND 5", [], "UU UU FTTF UUUU UU"),
    ("BETWEEN 5 AND 1", [], "UU UU FFFF UUUU UU"),
    ("BETWEEN ? AND 1", [.null], "UU UU UUFF UUUU UU"),
    ("BETWEEN 1 AND 'z'", [], "UU UU FUUU UUUU UF"),
    ("BETWEEN '5' AND 'f'", [], "UU UU UUUU TFFF TF"),
    ("NOT BETWEEN 1 AND 5", [], "UU UU TFFT UUUU UU"),
    ("NOT BETWEEN ? AND 1", [.null], "UU UU UUTT UUUU UU"),
  ]

  /// A key that a JSON path can name, keys that none can, and the same further in.
  @Test(arguments: [["v"], ["v\""], ["a", "v"], ["a\\", "v"], ["", "\u{1F600}.$[0]"], ["\n", "\"", "'"]])
  func everyTestOnEveryValue(keys: [String]) throws {
    let table = try ConditionTable()
    for (index, value) in Self.values.enumerated() {
      let id = String(repeating: "0", count: 10 - "\(index)".count) + "\(index)"
      try table.insert(ConditionRow(id: id, metadata: Self.metadata(keys, value)))
    }
    let field = SessionField.metadata(keys).description
    for (test, parameters, expected) in Self.truths {
      let condition = try Condition.parse("\(field) \(test)", parameters: parameters)
      #expect(
        Self.letters(try table.truths(condition)) == expected.filter { $0 != " " }, "\(field) \(test) \(parameters)")
      #expect(
        Self.letters(try table.truths(.not(condition)))
          == String(expected.filter { $0 != " " }.map { $0 == "T" ? "F" : $0 == "F" ? "T" : $0 }),
        "NOT \(field) \(test) \(parameters)")
    }
  }

  private static func metadata(_ keys: [String], _ value: JSONValue?) -> [String: JSONValue] {
    guard let value else { return [:] }
    let nested = keys.dropFirst().reversed().reduce(value) { inner, key in .object([key: inner]) }
    return [keys[0]: nested]
  }

  private static func letters(_ truths: [Bool?]) -> String {
    String(truths.map { $0.map { $0 ? "T" : "F" } ?? "U" })
  }

  @Test(arguments: [
    "", ".", "a.b", "$", "$.a", "[0]", "a[0]", "#", "0", "-1", "'", "''", "\"", "\"\"", "a\"b", "a\".\"b", "\\", "\\\"",
    "\\u0061", "\n", "\u{1}", "\u{7f}", "/", " ", "\u{e9}", "\u{1F600}", "\u{2028}", "?", "%", "a", "A", "aa", "*", "@",
    "value", "type", "metadata", "') OR 1=1 --",
  ])
  func aKeyIsThatKeyAndNothingElse(key: String) throws {
    let others: [String: JSONValue] = [
      "a": .object(["b": .number(1), "a": .number(1)]), "0": .array([.number(1)]), "b": .array([.number(1)]),
      "A": .string("upper"),
    ]
    let table = try ConditionTable()
    try table.insert(
      ConditionRow(
        id: "1", name: "has", metadata: others.merging([key: .string("it")]) { $1 },
        environment: ["other": "it", key: "it"]))
    try table.insert(
      ConditionRow(id: "2", name: "lacks", metadata: others.filter { $0.key != key }, environment: ["other": "it"]))
    try table.insert(
      ConditionRow(id: "3", name: "deep", metadata: ["deep": .object([key: .object([key: .string("it")])])]))

    #expect(try table.names(where: "\(SessionField.metadata([key])) = 'it'") == ["has"])
    #expect(try table.names(where: "\(SessionField.metadata([key])) IS NOT NULL") == ["has"])
    #expect(try table.names(where: "\(SessionField.metadata(["deep", key, key])) LIKE 'IT'") == ["deep"])
    #expect(try table.names(where: "\(SessionField.environment(key)) = 'it'") == ["has"])
    #expect(try table.names(orderedBy: "\(SessionField.metadata([key]))") == ["lacks", "deep", "has"])
  }

  @Test func onlyObjectsHaveKeys() throws {
    let table = try ConditionTable()
    try table.insert(
      ConditionRow(
        id: "1",
        metadata: [
          "list": .array([.object(["k": .string("v")])]), "text": .string("{\"k\":\"v\",\"\\\"\":\"v\"}"),
          "broken": .string("{"), "number": .number(1),
        ]))
    for outer in ["list", "text", "broken", "number"] {
      for inner in ["k", "\"", "0", "#-1", "[0]", "\\"] {
        #expect(try table.truths(.test(.isNull(.metadata([outer, inner])))) == [true])
        #expect(try table.truths(.test(.isNull(.metadata([outer, "0", inner])))) == [true])
      }
    }
  }

  @Test func pathsAsDeepAsMetadataAreFollowed() throws {
    let table = try ConditionTable()
    for key in ["k", "\""] {
      let keys = Array(repeating: key, count: SessionField.metadataDepthMax)
      try table.insert(ConditionRow(id: key, name: key, metadata: Self.metadata(keys, .number(7))))
      #expect(try table.names(where: "\(SessionField.metadata(keys)) = 7") == [key])
    }
  }
}
