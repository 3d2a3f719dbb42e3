import SessionDomain
import Testing

struct ConditionErrorTests {
  private static let aField = """
    a field (id, type, name, status, workspace, parentId, templateName, clonedFrom, statusReason, createdAt, \
    updatedAt, startedAt, endedAt, lastActivity, revision, metadata, environment) or list (capabilities, constraints)
    """

  private func refusal(_ text: String, _ parameters: [ConditionValue] = []) -> ConditionError? {
    do {
      _ = try Condition.parse(text, parameters: parameters)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("", 1, "a field", "the end of the text"),
    ("   ", 4, "a field", "the end of the text"),
    ("name", 5, "a comparison, IN, LIKE, BETWEEN, IS or NOT", "the end of the text"),
    ("name =", 7, "a value", "the end of the text"),
    ("name = name", 8, "a value", "\"name\""),
    ("name = null", 8, "a value", "\"null\""),
    ("name == 'a'", 7, "a value", "\"=\""),
    ("name = 'a' name", 12, "AND, OR or the end of the text", "\"name\""),
    ("name = 'a')", 11, "AND, OR or the end of the text", "\")\""),
    ("(name = 'a'", 12, "AND, OR or ')'", "the end of the text"),
    ("()", 2, "a field", "\")\""),
    ("name = 'a' AND", 15, "a field", "the end of the text"),
    ("name = 'a' OR OR", 15, "a field", "\"OR\""),
    ("NOT NOT name = 'a'", 5, "a field", "\"NOT\""),
    ("name NOT = 'a'", 10, "IN, LIKE or BETWEEN", "\"=\""),
    ("name NOT HAS 'a'", 10, "IN, LIKE or BETWEEN", "\"HAS\""),
    ("name HAS 'a'", 6, "a comparison, IN, LIKE, BETWEEN, IS or NOT", "\"HAS\""),
    ("name IS 'a'", 9, "NULL or NOT NULL", "\"'a'\""),
    ("name IS NOT 'a'", 13, "NULL", "\"'a'\""),
    ("name IN 'a'", 9, "'('", "\"'a'\""),
    ("name IN ()", 10, "a value", "\")\""),
    ("name IN ('a',)", 14, "a value", "\")\""),
    ("name IN ('a' 'b')", 14, "',' or ')'", "\"'b'\""),
    ("revision BETWEEN 1, 2", 19, "AND and the upper value", "\",\""),
    ("capabilities = 'a'", 14, "HAS", "\"=\""),
    ("capabilities IS NULL", 14, "HAS", "\"IS\""),
    ("metadata = 'a'", 10, "-> or ->> and a key", "\"=\""),
    ("metadata->>a = 'a'", 12, "a key in quotes", "\"a\""),
    ("metadata->>? = 'a'", 12, "a key in quotes", "\"?\""),
    ("metadata->'a' = 'a'", 15, "-> or ->> and a key", "\"=\""),
    ("metadata->>'a'->'b' = 'a'", 15, "a comparison, IN, LIKE, BETWEEN, IS or NOT", "\"->\""),
    ("environment->'A' = 'a'", 12, "->> and the name of a variable", "\"->\""),
    ("name->>'a' = 'a'", 5, "a comparison, IN, LIKE, BETWEEN, IS or NOT", "\"->>\""),
    ("'a' = name", 1, "a field", "\"'a'\""),
    ("1 = 1", 1, "a field", "\"1\""),
  ])
  func aMistakeInTheGrammarIsPointedAt(text: String, position: Int, expected: String, found: String) {
    let expected = expected == "a field" ? Self.aField : expected
    #expect(refusal(text) == ConditionError(position: position, expected: expected, found: found))
  }

  @Test(arguments: [
    ("name = 'a' ; DROP TABLE sessions", 12, "\";\""), ("name = \"a\"", 8, "\"\"\""), ("name = 'a' -- x", 12, "\"-\""),
    ("name = 'a' /* x */", 12, "\"/\""), ("name = :a", 8, "\":\""), ("name = @a", 8, "\"@\""),
    ("name = $1", 8, "\"$\""),
    ("\u{e9} = 1", 1, "\"\u{e9}\""), ("name = 'a' AND [x] = 1", 16, "\"[\""), ("name ! 'a'", 6, "\"!\""),
    ("name = .5", 8, "\".\""), ("name = +5", 8, "\"+\""), ("name\0= 'a'", 5, "\"\u{FFFD}\""),
    ("name || 'a'", 6, "\"|\""),
  ])
  func aCharacterOutsideTheGrammarIsPointedAt(text: String, position: Int, found: String) {
    let expected = "a field, a keyword, a value or an operator"
    #expect(refusal(text) == ConditionError(position: position, expected: expected, found: found))
  }

  @Test(arguments: [
    ("foo = 1", 1), ("NAME = 'a'", 1), ("name = 'a' AND nme = 1", 16), ("sessions.name = 'a'", 1), ("rowid = 1", 1),
    ("sqlite_version() = 1", 1), ("parentID = 'a'", 1), ("memory_bytes = 1", 1),
  ])
  func anUnknownFieldIsNamedWithTheKnownOnes(text: String, position: Int) throws {
    let error = try #require(refusal(text))
    #expect(error.position == position)
    #expect(error.expected == Self.aField)
  }

  @Test(arguments: [
    ("name = 'a", 10), ("name = 'a''", 12), ("metadata->>'a", 14), ("name = '", 9), ("name = '\u{e9}\u{1F600}", 11),
  ])
  func aQuoteThatNeverEndsIsAnErrorAtTheEnd(text: String, position: Int) {
    let start = text.hasPrefix("metadata") ? 12 : 8
    #expect(
      refusal(text)
        == ConditionError(
          position: position, expected: "a quote that ends the text begun at \(start)", found: "the end of the text"))
  }

  @Test(arguments: ["5a", "5.", "5..2", "1e", "1e+", "0x1F", "1_000", "1e999", "-1e999", "1.2.3"])
  func aNumberThatIsNoneIsPointedAt(number: String) {
    let error = refusal("revision = \(number) ")
    #expect(error?.position == 12)
    #expect(error?.expected == "a number that a double can hold")
  }

  @Test func positionsCountCharactersNotBytes() {
    #expect(refusal("name = '\u{e9}\u{1F600}' x")?.position == 13)
  }

  @Test(arguments: [
    ("type = 'FOO'", 8, "\"FOO\""), ("type = 'UNSPECIFIED'", 8, "\"UNSPECIFIED\""), ("type = ''", 8, "\"\""),
    ("type = 'SESSION_TYPE_UNSPECIFIED'", 8, "\"SESSION_TYPE_UNSPECIFIED\""), ("type = 0", 8, "0"),
    ("type = 5", 8, "5"), ("type = 1.5", 8, "1.5"), ("type = true", 8, "true"), ("type = 1e300", 8, "1e+300"),
    ("type IN ('DIRECTOR', 'IDLE')", 22, "\"IDLE\""),
    ("type = 'SESSION_STATUS_ACTIVE'", 8, "\"SESSION_STATUS_ACTIVE\""),
    ("type BETWEEN 1 AND 9", 20, "9"), ("NOT (type <> 'x')", 14, "\"x\""),
  ])
  func anUnknownTypeIsAnErrorAtTheValue(text: String, position: Int, found: String) {
    let expected = "a session type (DIRECTOR, DEPARTMENT, OBSERVER, ACTIVE)"
    #expect(refusal(text) == ConditionError(position: position, expected: expected, found: found))
  }

  @Test(arguments: ["'RUNNING'", "'SESSION_STATUS_'", "0", "7", "'2'", "false", "'ACTIVE '"])
  func anUnknownStatusIsAnErrorAtTheValue(value: String) throws {
    let error = try #require(refusal("status = \(value)"))
    #expect(error.position == 10)
    #expect(error.expected == "a session status (INITIALIZING, ACTIVE, IDLE, COMPLETED, ERROR, TERMINATED)")
  }

  @Test(arguments: ["'yesterday'", "'2025-11-22'", "'1732275056123'", "true", "1e300", "-1e17", "''"])
  func aBadTimeIsAnErrorAtTheValue(value: String) throws {
    let error = try #require(refusal("createdAt >= \(value)"))
    #expect(error.position == 14)
    #expect(error.expected == "a time (RFC 3339, or milliseconds since 1970) from year 1 to 9999")
  }

  @Test func parametersMustBeAsManyAsTheMarks() {
    #expect(
      refusal("name = ? OR name = ?", [.string("a")])
        == ConditionError(position: 20, expected: "one parameter for each ?", found: "only 1"))
    #expect(
      refusal("name = ?", [.string("a"), .string("b")])
        == ConditionError(position: 9, expected: "one parameter for each ?", found: "2 for 1"))
    #expect(refusal("name = 'a'", [.null])?.position == 11)
  }

  @Test(arguments: [
    (ConditionValue.string("a\0b"), "text without U+0000"), (.number(.nan), "a finite number"),
    (.number(.infinity), "a finite number"), (.number(-.infinity), "a finite number"),
  ])
  func aParameterThatNoValueCanBeIsAnErrorAtItsMark(value: ConditionValue, expected: String) {
    for text in ["name = ?", "revision = ?", "metadata->>'k' = ?", "parentId = ?", "name LIKE ?"] {
      let error = refusal(text, [value])
      #expect(error?.expected == expected)
      #expect(error?.position == text.unicodeScalars.count)
    }
    for text in ["type = ?", "status = ?", "createdAt = ?"] {
      #expect(refusal(text, [value])?.position == text.unicodeScalars.count)
    }
  }

  @Test func aNulInALiteralIsPointedAt() {
    let expected = ConditionError(position: 10, expected: "text without U+0000", found: "U+0000")
    #expect(refusal("name = 'a\0b'") == expected)
    #expect(refusal("metadata->>'a\0b' = 1")?.position == 14)
  }

  @Test func limitsAreEnforcedWhereTheyArePassed() {
    let tooDeep = String(repeating: "(", count: Condition.depthMax + 1) + "name = 'a'"
    #expect(refusal(tooDeep)?.position == Condition.depthMax + 1)

    let test = "name = 'a' OR "
    let tooMany = String(repeating: test, count: Condition.testsMax) + "name = 'a'"
    #expect(refusal(tooMany)?.position == test.count * Condition.testsMax + 1)
    #expect(refusal(tooMany)?.expected == "at most 64 tests")

    let tooLong = "name = '" + String(repeating: "\u{e9}", count: Condition.textBytesMax) + "'"
    #expect(
      refusal(tooLong)
        == ConditionError(
          position: 8 + (Condition.textBytesMax - 8) / 2 + 1, expected: "at most 4096 bytes of text",
          found: "\(tooLong.utf8.count) bytes"))

    let keys = String(repeating: "->'k'", count: SessionField.metadataDepthMax) + "->>'k'"
    #expect(refusal("metadata\(keys) = 1")?.position == 9 + 5 * SessionField.metadataDepthMax)

    let pattern = String(repeating: "%", count: Condition.patternBytesMax + 1)
    #expect(refusal("name LIKE ?", [.string(pattern)])?.expected == "a pattern of at most 4096 bytes")
  }

  @Test func whatIsShownOfTheTextIsShortAndPrintable() throws {
    let word = String(repeating: "x", count: 1000)
    let found = try #require(refusal(word)?.found)
    #expect(found == "\"\(String(repeating: "x", count: 37))...\"")
    #expect(refusal("name 'a\u{1b}[31m\u{202E}\nb'")?.found == "\"'a\u{FFFD}[31m\u{FFFD}\u{FFFD}b'\"")
    #expect("\(ConditionError(position: 3, expected: "a", found: "b"))" == "at 3: expected a, found b")
  }
}
