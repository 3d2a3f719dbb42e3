import SessionDomain
import Testing

struct ConditionGrammarTests {
  private static func name(_ text: String) -> Condition { .test(.compare(.name, .equal, .text(text))) }

  @Test(arguments: [
    ("name = 'a'", Comparison.equal), ("name != 'a'", .notEqual), ("name <> 'a'", .notEqual), ("name < 'a'", .less),
    ("name <= 'a'", .lessOrEqual), ("name > 'a'", .greater), ("name >= 'a'", .greaterOrEqual), ("name='a'", .equal),
    ("\t name\r\n=\n'a' ", .equal), ("((name = 'a'))", .equal),
  ])
  func everyComparisonIsRead(text: String, comparison: Comparison) throws {
    #expect(try Condition.parse(text) == .test(.compare(.name, comparison, .text("a"))))
  }

  @Test(arguments: [
    ("name IN ('a')", Condition.test(.isIn(.name, [.text("a")]))),
    ("name in ('a','b' , ?)", .test(.isIn(.name, [.text("a"), .text("b"), .text("p")]))),
    ("name NOT IN ('a')", .not(.test(.isIn(.name, [.text("a")])))),
    ("name LIKE 'a%'", .test(.like(.name, .text("a%")))),
    ("name Not Like ?", .not(.test(.like(.name, .text("p"))))),
    ("name IS NULL", .test(.isNull(.name))),
    ("name is not null", .not(.test(.isNull(.name)))),
    ("revision BETWEEN 1 AND 2", .test(.between(.revision, .number(1), .number(2)))),
    ("revision NOT BETWEEN 1 AND 2", .not(.test(.between(.revision, .number(1), .number(2))))),
    ("capabilities HAS 'x'", .test(.has(.capabilities, .text("x")))),
    ("constraints has ?", .test(.has(.constraints, .text("p")))),
  ])
  func everyTestIsRead(text: String, condition: Condition) throws {
    #expect(try Condition.parse(text, parameters: text.contains("?") ? [.string("p")] : []) == condition)
  }

  @Test(arguments: [
    ("name = 'a' AND name = 'b' OR name = 'c'", Condition.any([.all([name("a"), name("b")]), name("c")])),
    ("name = 'a' or name = 'b' and name = 'c'", .any([name("a"), .all([name("b"), name("c")])])),
    ("name = 'a' AND (name = 'b' OR name = 'c')", .all([name("a"), .any([name("b"), name("c")])])),
    ("NOT name = 'a' AND name = 'b'", .all([.not(name("a")), name("b")])),
    ("NOT (name = 'a' AND name = 'b')", .not(.all([name("a"), name("b")]))),
    ("not (not (name = 'a'))", .not(.not(name("a")))),
    ("(name = 'a')OR(name = 'b')", .any([name("a"), name("b")])),
  ])
  func notBindsTighterThanAndThanOr(text: String, condition: Condition) throws {
    #expect(try Condition.parse(text) == condition)
  }

  @Test func anAndBelongsToItsBetween() throws {
    #expect(
      try Condition.parse("revision BETWEEN 1 AND 2 AND name = 'a'")
        == .all([.test(.between(.revision, .number(1), .number(2))), Self.name("a")]))
  }

  @Test(arguments: [
    ("'it''s'", ConditionOperand.text("it's")), ("''", .text("")), ("''''", .text("'")),
    ("'-- ; DROP'", .text("-- ; DROP")),
    ("'\u{e9}\u{1F600}'", .text("\u{e9}\u{1F600}")), ("'a\nb'", .text("a\nb")), ("'?'", .text("?")),
    ("true", .bool(true)),
    ("FALSE", .bool(false)), ("5", .number(5)), ("-5", .number(-5)), ("0.25", .number(0.25)), ("1e3", .number(1000)),
    ("-1.5E-2", .number(-0.015)), ("1e+2", .number(100)), ("007", .number(7)),
  ])
  func everyLiteralIsRead(text: String, operand: ConditionOperand) throws {
    #expect(try Condition.parse("metadata->>'k' = \(text)") == .test(.compare(.metadata(["k"]), .equal, operand)))
  }

  @Test func marksTakeTheParametersInOrder() throws {
    let parsed = try Condition.parse(
      "metadata->>'a' = ? AND (metadata->>'b' IN (?, 'x', ?) OR metadata->>'c' BETWEEN ? AND ?)",
      parameters: [.string("1"), .number(2), .bool(true), .null, .number(5)])
    #expect(
      parsed
        == .all([
          .test(.compare(.metadata(["a"]), .equal, .text("1"))),
          .any([
            .test(.isIn(.metadata(["b"]), [.number(2), .text("x"), .bool(true)])),
            .test(.between(.metadata(["c"]), .null, .number(5))),
          ]),
        ]))
  }

  @Test func parametersAreNeverReadAsText() throws {
    let hostile = "' OR 1 = 1; DROP TABLE sessions; --"
    #expect(
      try Condition.parse("name = ?", parameters: [.string(hostile)])
        == .test(.compare(.name, .equal, .text(hostile))))
  }

  @Test func limitsAreInclusive() throws {
    let depth = Condition.depthMax
    let nested = String(repeating: "(", count: depth) + "name = 'a'" + String(repeating: ")", count: depth)
    #expect(try Condition.parse(nested) == Self.name("a"))

    let many = Array(repeating: "name = 'a'", count: Condition.testsMax).joined(separator: " OR ")
    #expect(try Condition.parse(many) == .any(Array(repeating: Self.name("a"), count: Condition.testsMax)))

    let frame = "name = ''"
    let text = String(repeating: "x", count: Condition.textBytesMax - frame.utf8.count)
    #expect(try Condition.parse("name = '\(text)'") == Self.name(text))

    let keys = Array(repeating: "k", count: SessionField.metadataDepthMax)
    #expect(try OrderField.parse(SessionField.metadata(keys).description) == .metadata(keys))
  }

  @Test func parametersComeFromJSONScalars() {
    #expect(ConditionValue(.null) == .null)
    #expect(ConditionValue(.bool(true)) == .bool(true))
    #expect(ConditionValue(.number(1)) == .number(1))
    #expect(ConditionValue(.string("a")) == .string("a"))
    #expect(ConditionValue(.array([])) == nil)
    #expect(ConditionValue(.object([:])) == nil)
  }
}
