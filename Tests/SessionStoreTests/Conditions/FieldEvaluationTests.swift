import SessionDomain
import Testing

@testable import SessionStore

struct FieldEvaluationTests {
  private static let alpha = "0190a5b0-0000-7000-8000-00000000000a"
  private static let beta = "0190a5b0-0000-7000-8000-00000000000b"

  /// Two sessions: one with everything, one with nothing that may be missing.
  private static func table() throws -> ConditionTable {
    let table = try ConditionTable()
    try table.insert(
      ConditionRow(
        id: alpha, type: .department, status: .error, name: "alpha", workspace: "/srv/5", capabilities: ["x", "it's"],
        constraints: ["max-memory:4gb"], environment: ["PORT": "8080", "EMPTY": ""], parentID: beta,
        templateName: "5", clonedFrom: beta, statusReason: "out of memory", createTime: 1_763_811_056_123_456,
        updateTime: 1_763_811_056_123_457, startTime: 1_763_811_057_000_000, endTime: 1_763_811_058_000_000,
        lastActivityTime: 1_763_811_059_000_000, revision: 12))
    try table.insert(ConditionRow(id: beta, type: .director, status: .initializing, name: "beta", revision: 5))
    return table
  }

  @Test(arguments: [
    ("id = '0190A5B0-0000-7000-8000-00000000000A'", "TF"), ("id IN ('0190A5B0-0000-7000-8000-00000000000A')", "TF"),
    ("id > '0190A5B0-0000-7000-8000-00000000000A'", "FT"), ("id LIKE '0190A5B0-%'", "TT"), ("id = 'x'", "FF"),
    ("parentId = '0190A5B0-0000-7000-8000-00000000000B'", "TU"), ("parent_id IS NULL", "FT"), ("parentId = ''", "FU"),
    ("parentId != 'x'", "TU"), ("NOT parentId = 'x'", "TU"), ("clonedFrom IS NOT NULL", "TF"),
    ("clonedFrom NOT LIKE 'x'", "TU"), ("templateName = 5", "FU"), ("templateName = '5'", "TU"),
    ("templateName IN (5)", "FU"), ("templateName IN (5, '5')", "TU"), ("templateName != 5", "TU"),
    ("templateName NOT IN (5)", "TU"), ("templateName < 9", "UU"), ("templateName = true", "FU"),
    ("templateName LIKE 5", "FU"), ("templateName BETWEEN '4' AND '6'", "TU"), ("templateName BETWEEN 4 AND 6", "UU"),
    ("statusReason LIKE '%MEMORY'", "TU"), ("statusReason LIKE 'out_of%'", "TU"),
    ("name = 'alpha'", "TF"), ("name = 'ALPHA'", "FF"), ("name < 'b'", "TF"), ("name LIKE 'ALPHA'", "TF"),
    ("name LIKE '%a'", "TT"), ("name LIKE 'a'", "FF"), ("name LIKE '\\%'", "FF"), ("name IS NULL", "FF"),
    ("name = 'alpha' OR parentId = 'x'", "TU"), ("name = 'x' AND parentId = 'x'", "FF"),
    ("name = 'beta' AND parentId = 'x'", "FU"), ("NOT (name = 'beta' AND parentId = 'x')", "TU"),
    ("NOT (name = 'alpha' OR parentId = 'x')", "FU"), ("name = 'beta' OR NOT parentId = 'x'", "TT"),
    ("workspace = '/srv/5'", "TF"), ("workspace LIKE '/srv/%'", "TF"),
    ("environment->>'PORT' = '8080'", "TU"), ("environment->>'PORT' = 8080", "FU"),
    ("environment->>'PORT' != 8080", "TU"), ("environment->>'PORT' < 9000", "UU"),
    ("environment->>'PORT' < '9000'", "TU"), ("environment->>'EMPTY' = ''", "TU"),
    ("environment->>'port' IS NULL", "TT"), ("environment->>'PORT' IN ('8080', 8080)", "TU"),
    ("environment->>'PORT' LIKE '80__'", "TU"), ("environment->>'EMPTY' IS NULL", "FT"),
    ("revision = 12", "TF"), ("revision = '12'", "FF"), ("revision != '12'", "TT"), ("revision < 12", "FT"),
    ("revision < 5.5", "FT"), ("revision = 5.5", "FF"), ("revision BETWEEN 5 AND 11.5", "FT"),
    ("revision IN (12, '5')", "TF"), ("revision LIKE '12'", "FF"), ("revision = true", "FF"), ("revision < '9'", "UU"),
    ("capabilities HAS 'x'", "TF"), ("capabilities HAS 'X'", "FF"), ("capabilities HAS 'it''s'", "TF"),
    ("NOT capabilities HAS 'x'", "FT"), ("constraints HAS 'max-memory:4gb'", "TF"), ("constraints HAS 'max'", "FF"),
    ("capabilities HAS 1", "FF"), ("capabilities HAS true", "FF"), ("capabilities HAS '%'", "FF"),
  ])
  func testsOnFields(text: String, truths: String) throws {
    #expect(Self.letters(try Self.table().truths(Condition.parse(text))) == truths)
  }

  @Test(arguments: [
    ("type = 'DEPARTMENT'", "TF"), ("type = 'session_type_director'", "FT"), ("type != 'director'", "TF"),
    ("type = 2", "TF"), ("type IN ('Department', 'SESSION_TYPE_DIRECTOR')", "TT"), ("type NOT IN (1)", "TF"),
    ("type > 'DIRECTOR'", "TF"), ("type LIKE 'DEP%'", "TF"), ("type LIKE 'SESSION_TYPE_D%'", "TT"),
    ("type LIKE 'session_type_dir%'", "FT"), ("type LIKE 'SESSION%'", "FF"), ("type NOT LIKE '%tor'", "TF"),
    ("type BETWEEN 'DIRECTOR' AND 'DEPARTMENT'", "TT"), ("type IS NOT NULL", "TT"), ("type LIKE 2", "FF"),
    ("status = 'Error'", "TF"), ("status = 'SESSION_STATUS_INITIALIZING'", "FT"), ("status IN ('ERROR', 1)", "TT"),
    ("status >= 'ACTIVE'", "TF"), ("status LIKE '%I%'", "FT"), ("status BETWEEN 1 AND 4", "FT"),
  ])
  func testsOnTypesAndStatuses(text: String, truths: String) throws {
    #expect(Self.letters(try Self.table().truths(Condition.parse(text))) == truths)
  }

  @Test(arguments: [
    ("createdAt = '2025-11-22T11:30:56.123456Z'", "TF"), ("createdAt = '2025-11-22T12:30:56.123456+01:00'", "TF"),
    ("create_time = 1763811056123.456", "TF"), ("createdAt >= '2025-01-01T00:00:00Z'", "TF"),
    ("updatedAt > '2025-11-22T11:30:56.123456Z'", "TF"), ("createdAt < 1763811056124", "TT"),
    ("createdAt IN (0, '2025-11-22T11:30:56.123456Z')", "TT"), ("startedAt < '9999-12-31T23:59:59Z'", "TU"),
    ("endedAt IS NULL", "FT"), ("endedAt BETWEEN 1763811058000 AND 1763811058000", "TU"),
    ("NOT startedAt > '2030-01-01T00:00:00Z'", "TU"), ("lastActivity != 0", "TF"),
    ("createdAt LIKE '2025-11-22T11:30:56.123456Z'", "TF"), ("createdAt LIKE '1970-%'", "FT"),
    ("startedAt LIKE '2025-11-22t%'", "TU"), ("createdAt LIKE 5", "FF"),
  ])
  func testsOnTimes(text: String, truths: String) throws {
    #expect(Self.letters(try Self.table().truths(Condition.parse(text))) == truths)
  }

  @Test(arguments: [
    "id", "type", "name", "status", "workspace", "parentId", "templateName", "clonedFrom", "statusReason", "createdAt",
    "updatedAt", "startedAt", "endedAt", "lastActivity", "revision", "metadata->>'k'", "metadata->>'\"'",
    "environment->>'PORT'",
  ])
  func aNullParameterMakesEveryTestUnknown(field: String) throws {
    let table = try Self.table()
    for test in ["= ?", "!= ?", "< ?", ">= ?", "IN (?)", "NOT IN (?)", "LIKE ?", "NOT LIKE ?", "BETWEEN ? AND ?"] {
      let nulls = Array(repeating: ConditionValue.null, count: test.contains("BETWEEN") ? 2 : 1)
      #expect(Self.letters(try table.truths(Condition.parse("\(field) \(test)", parameters: nulls))) == "UU")
    }
    #expect(Self.letters(try table.truths(Condition.parse("capabilities HAS ?", parameters: [.null]))) == "UU")
  }

  private static func letters(_ truths: [Bool?]) -> String {
    String(truths.map { $0.map { $0 ? "T" : "F" } ?? "U" })
  }
}
