import SessionDomain
import Testing

@testable import SessionStore

struct ConditionPlanTests {
  private static func table() throws -> ConditionTable {
    let table = try ConditionTable()
    for index in [
      "CREATE INDEX by_type ON sessions (type, create_time)",
      "CREATE INDEX by_status ON sessions (status, create_time)",
      "CREATE INDEX by_name ON sessions (name)", "CREATE INDEX by_create_time ON sessions (create_time)",
      "CREATE INDEX by_parent ON sessions (parent_id, id) WHERE parent_id IS NOT NULL",
    ] {
      _ = try table.rows(index)
    }
    return table
  }

  @Test(arguments: [
    ("type = 'DIRECTOR'", "by_type (type=?)"), ("type IN ('DIRECTOR', 'OBSERVER')", "by_type (type=?)"),
    ("status IN ('ACTIVE', 2) AND metadata->>'k' = 'v'", "by_status (status=?)"),
    ("(metadata->>'k' = 'v' OR name LIKE '%a') AND status = 'IDLE'", "by_status (status=?)"),
    ("type = 2 AND createdAt > '2025-01-01T00:00:00Z'", "by_type (type=? AND create_time>?)"),
    ("NOT (type != 'DIRECTOR' OR metadata->>'k' = 'v')", "by_type (type=?)"),
    ("createdAt BETWEEN 0 AND 5", "by_create_time (create_time>? AND create_time<?)"),
    ("name = 'a'", "by_name (name=?)"), ("parentId = 'a'", "by_parent (parent_id=?)"),
    ("id = 'A'", "PRIMARY KEY (id=?)"),
    ("id IN ('a', 'b')", "PRIMARY KEY (id=?)"),
  ])
  func testsOnColumnsUseTheirIndexes(text: String, index: String) throws {
    let compiled = CompiledCondition(try Condition.parse(text))
    let plan = try Self.table().plan("SELECT * FROM sessions WHERE \(compiled.sql)", compiled.bindings)
    #expect(plan.contains { $0.hasPrefix("SEARCH sessions") && $0.hasSuffix(index) }, "\(plan)")
  }

  @Test func anOrderUsesItsIndex() throws {
    let order = CompiledOrder(.createTime)
    let plan = try Self.table().plan("SELECT * FROM sessions ORDER BY \(order.sql)", order.bindings)
    #expect(plan == ["SCAN sessions USING INDEX by_create_time"])
  }

  @Test func metadataIsOrderedWithNullsFirstThenNumbersThenTexts() throws {
    let table = try ConditionTable()
    let values: [(String, JSONValue?)] = [
      ("ten", .number(10)), ("text", .string("10")), ("nine", .number(9.5)), ("missing", nil), ("null", .null),
      ("true", .bool(true)), ("other", .string("9")), ("minus", .number(-1)), ("list", .array([])),
    ]
    for key in ["k", "\""] {
      for (index, value) in values.enumerated() {
        try table.insert(
          ConditionRow(id: "\(key)\(index)", name: value.0, metadata: value.1.map { [key: $0] } ?? [:]))
      }
      let ordered = ["missing", "null", "minus", "true", "nine", "ten", "text", "other", "list"]
      let field = "metadata->>'\(key)'"
      #expect(try table.names(orderedBy: field).suffix(values.count) == ordered[...])
      let descending = ["list", "other", "text", "ten", "nine", "true", "minus", "missing", "null"]
      #expect(try table.names(orderedBy: field, descending: true).prefix(values.count) == descending[...])
      _ = try table.rows("DELETE FROM sessions")
    }
  }
}
