import SessionDomain
import Testing

@testable import SessionStore

struct HostileConditionTests {
  private static let injections = [
    "'; DROP TABLE sessions; --", "' OR '1'='1", "\"; DROP TABLE sessions; --", "') UNION SELECT 1 --", "?1", ":a",
    "@a",
    "$a", "x'00'", "%s%n", "\\'", "/*", "NULL", "\u{2019} OR 1=1", "$.\"a\" OR 1=1", "a\" OR \"1\"=\"1",
  ]

  @Test(arguments: injections)
  func nothingOfTheCallersIsInTheSQL(hostile: String) throws {
    let table = try ConditionTable()
    try table.insert(ConditionRow(id: "1", name: "one", metadata: ["k": .string(hostile)]))
    try table.insert(ConditionRow(id: "2", name: "two", capabilities: [hostile], environment: ["E": hostile]))
    let literal = "'" + hostile.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"

    #expect(try table.names(where: "metadata->>'k' = \(literal)") == ["one"])
    #expect(try table.names(where: "metadata->>'k' IN (?)", [.string(hostile)]) == ["one"])
    #expect(try table.names(where: "capabilities HAS ?", [.string(hostile)]) == ["two"])
    #expect(try table.names(where: "environment->>'E' = ?", [.string(hostile)]) == ["two"])
    #expect(
      try table.names(
        where: "name = ? OR id = ? OR workspace LIKE ?", [.string(hostile), .string(hostile), .string(hostile)]) == [])
    #expect(try table.names(where: "metadata->\(literal)->>\(literal) = 1") == [])
    #expect(try table.names(orderedBy: "metadata->>\(literal)") == ["one", "two"])
    #expect(try table.names(where: "name IS NOT NULL") == ["one", "two"])
  }

  @Test func theSQLDoesNotDependOnTheValues() throws {
    func sql(_ key: String, _ value: String) throws -> String {
      let field = SessionField.metadata([key, key])
      let other = ConditionOperand.text(value)
      return CompiledCondition(
        .all([
          .test(.compare(field, .equal, other)), .test(.like(field, other)), .test(.between(field, other, other)),
          .test(.isIn(.name, [other])), .test(.has(.capabilities, other)),
          .test(.compare(.environment(key), .less, other)),
        ])
      ).sql
    }
    let plain = try sql("a", "a")
    #expect(try sql("$[0].b", "' OR 1=1 --") == plain)
    #expect(try sql("\u{e9}'", "\u{1F600}\n?") == plain)
    #expect(try sql("\"", "x") == sql("\\\n\"; DROP TABLE sessions", "y"))
  }

  /// Every way to nest 32 levels, each with as many tests as there may be.
  @Test(arguments: [
    "left", "right", "both", "negated left", "negated right", "negated both",
  ])
  func theDeepestConditionsFitSQLitesParser(shape: String) throws {
    let table = try ConditionTable()
    try table.insert(ConditionRow(id: "1", name: "one", metadata: ["\"": .number(1)]))
    let leaf = Condition.not(.test(.isIn(.metadata(["\"", "\""]), [.bool(true), .text("a"), .null])))
    var condition = leaf
    for level in 0..<Condition.depthMax {
      let terms: [Condition] =
        switch shape.split(separator: " ").last {
        case "left": [condition, leaf]
        case "right": [leaf, condition]
        default: [leaf, condition, level == 20 ? .any([leaf, .all([leaf, leaf])]) : leaf]
        }
      condition = level.isMultiple(of: 2) ? .all(terms) : .any(terms)
      if shape.hasPrefix("negated") { condition = .not(condition) }
    }
    let compiled = CompiledCondition(condition)
    for frame in [
      "SELECT name FROM sessions WHERE \(compiled.sql)",
      "SELECT name FROM sessions WHERE type IN (1, 2) AND status IN (1, 2) AND \(compiled.sql) ORDER BY id LIMIT 10",
      "SELECT (SELECT count(*) FROM sessions WHERE type = 1 AND (status = 1 OR (revision > 0 AND \(compiled.sql))))",
    ] {
      #expect(throws: Never.self) { try table.rows(frame, compiled.bindings) }
    }
  }

  /// A full binary tree: what needs most of a parser's stack among conditions with 64 tests.
  @Test func theBushiestConditionFitsSQLitesParser() throws {
    var condition = Condition.test(.like(.metadata(["\""]), .text("%")))
    for level in 0..<6 {
      condition = level.isMultiple(of: 2) ? .all([condition, condition]) : .any([condition, condition])
    }
    let table = try ConditionTable()
    #expect(try table.truths(condition) == [])
  }

  @Test func theLongestListIsOneTest() throws {
    let table = try ConditionTable()
    try table.insert(ConditionRow(id: "1", name: "7"))
    let marks = Array(repeating: "?", count: 2000).joined(separator: ",")
    let names = (0..<2000).map { ConditionValue.string("\($0)") }
    #expect(try table.names(where: "name IN (\(marks))", names) == ["7"])
    #expect(try table.names(where: "metadata->>'k' IN (\(marks)) OR name = '7'", names) == ["7"])
  }

  @Test func aWorstCasePatternEnds() throws {
    let table = try ConditionTable()
    let text = String(repeating: "a", count: 4096)
    try table.insert(ConditionRow(id: "1", name: "long", metadata: ["k": .string(text)]))
    for piece in ["%a", "%_", "a%", "%"] {
      let pattern = String(repeating: piece, count: Condition.patternBytesMax / piece.utf8.count - 1) + "b"
      #expect(try table.names(where: "metadata->>'k' LIKE ?", [.string(pattern)]) == [])
    }
  }
}
