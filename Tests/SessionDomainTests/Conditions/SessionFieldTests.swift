import SessionDomain
import Testing

struct SessionFieldTests {
  @Test(arguments: [
    (SessionField.id, ["id"]), (.type, ["type"]), (.name, ["name"]), (.status, ["status"]),
    (.workspace, ["workspace"]), (.parentID, ["parentId", "parent_id"]),
    (.templateName, ["templateName", "template_name"]), (.clonedFrom, ["clonedFrom", "cloned_from"]),
    (.statusReason, ["statusReason", "status_reason"]),
    (.createTime, ["createdAt", "created_at", "create_time", "createTime"]),
    (.updateTime, ["updatedAt", "updated_at", "update_time", "updateTime"]),
    (.startTime, ["startedAt", "started_at", "start_time", "startTime"]),
    (.endTime, ["endedAt", "ended_at", "end_time", "endTime"]),
    (.lastActivityTime, ["lastActivity", "last_activity", "last_activity_time", "lastActivityTime"]),
    (.revision, ["revision"]), (.metadata(["priority"]), ["metadata->>'priority'", " metadata ->> 'priority' "]),
    (.metadata(["a", "b", "c"]), ["metadata->'a'->'b'->>'c'"]), (.environment("PATH"), ["environment->>'PATH'"]),
  ])
  func everySpellingNamesItsField(field: SessionField, spellings: [String]) throws {
    for spelling in spellings {
      #expect(try OrderField.parse(spelling) == field)
      #expect(try Condition.parse("\(spelling) IS NULL") == .test(.isNull(field)))
    }
    #expect(spellings.contains(field.description))
  }

  @Test(arguments: [
    "", "'", "''", "a.b", "$", "$.a", "0", "\"", "\\", "[0]", "->>", "\u{1F600}", " ", "a\nb", "\u{301}",
  ])
  func anyTextIsAKey(key: String) throws {
    for field in [SessionField.metadata([key]), .metadata([key, key]), .environment(key)] {
      #expect(try OrderField.parse(field.description) == field)
    }
  }

  @Test(arguments: [
    ("", 1), ("name DESC", 6), ("name, id", 5), ("capabilities", 1), ("constraints", 1), ("metadata", 9),
    ("metadata->'a'", 14), ("environment", 12), ("foo", 1), ("?", 1), ("1", 1), ("(name)", 1), ("name = 'a'", 6),
  ])
  func anOrderIsOneFieldAndNothingElse(text: String, position: Int) {
    #expect {
      try OrderField.parse(text)
    } throws: { error in
      (error as? ConditionError)?.position == position
    }
  }

  @Test(arguments: SessionType.allCases)
  func typesGoByShortAndFullNameAndNumber(type: SessionType) throws {
    let expected = Condition.test(.compare(.type, .equal, .type(type)))
    let name = type.contractName
    for text in [name, name.lowercased(), "SESSION_TYPE_\(name)", "session_type_\(name.lowercased())"] {
      #expect(try Condition.parse("type = '\(text)'") == expected)
      #expect(try Condition.parse("type = ?", parameters: [.string(text)]) == expected)
    }
    #expect(try Condition.parse("type = ?", parameters: [.number(Double(type.rawValue))]) == expected)
    #expect(try Condition.parse("type = ?", parameters: [.null]) == .test(.compare(.type, .equal, .null)))
  }

  @Test(arguments: SessionStatus.allCases)
  func statusesGoByShortAndFullNameAndNumber(status: SessionStatus) throws {
    let expected = Condition.test(.compare(.status, .equal, .status(status)))
    let name = status.contractName
    for text in [name, name.lowercased(), "SESSION_STATUS_\(name)", "Session_Status_\(name)"] {
      #expect(try Condition.parse("status = '\(text)'") == expected)
    }
    #expect(try Condition.parse("status = ?", parameters: [.number(Double(status.rawValue))]) == expected)
    #expect(try Condition.parse("status = ?", parameters: [.null]) == .test(.compare(.status, .equal, .null)))
  }

  @Test func idsAreComparedInLowerCase() throws {
    for (name, field) in [("id", SessionField.id), ("parentId", .parentID), ("clonedFrom", .clonedFrom)] {
      #expect(try Condition.parse("\(name) = 'AbC'") == .test(.compare(field, .equal, .text("abc"))))
      #expect(try Condition.parse("\(name) IN ('AbC')") == .test(.isIn(field, [.text("abc")])))
    }
    #expect(try Condition.parse("name = 'AbC'") == .test(.compare(.name, .equal, .text("AbC"))))
  }
}
