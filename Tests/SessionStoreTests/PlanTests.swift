import SessionDomain
import Testing

@testable import SessionStore

/// What SQLite says it does for a statement, a step a line.
private func plan(_ statement: SQLFragment, on repository: SQLiteSessionRepository) async throws -> String {
  try await repository.readers.read { (database) throws(SessionError) in
    try storing { () throws(StorageFailure) in
      let explained = try database.bound(
        SQLFragment(sql: "EXPLAIN QUERY PLAN " + statement.sql, bindings: statement.bindings))
      var steps: [String] = []
      while try explained.step() {
        var row = explained.row
        _ = (row.integer(), row.integer(), row.integer())
        steps.append(row.text())
      }
      explained.reset()
      return steps.joined(separator: "\n")
    }
  }
}

private struct Expectation: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let query: SessionQuery
  let index: String
  var sorts = false

  init(_ description: String, _ index: String, sorts: Bool = false, _ change: (inout SessionQuery) -> Void) {
    testDescription = description
    self.index = index
    self.sorts = sorts
    var query = SessionQuery()
    change(&query)
    self.query = query
  }
}

private let expectations = [
  Expectation("all, the oldest first", "SCAN sessions USING INDEX sessions_by_create_time") { _ in },
  Expectation("all, the newest first", "SCAN sessions USING INDEX sessions_by_create_time", sorts: true) {
    $0.order = [SessionOrder(.createTime, isDescending: true)]
  },
  Expectation("all, the latest activity first", "USING INDEX sessions_by_last_activity_time", sorts: true) {
    $0.order = [SessionOrder(.lastActivityTime, isDescending: true)]
  },
  Expectation("all by id", "SCAN sessions") { $0.order = [SessionOrder(.id)] },
  Expectation("one type", "SEARCH sessions USING INDEX sessions_by_type (type=?)") { $0.types = [.director] },
  Expectation("two types", "SEARCH sessions USING INDEX sessions_by_type (type=?)", sorts: true) {
    $0.types = [.director, .observer]
  },
  Expectation("one status", "SEARCH sessions USING INDEX sessions_by_status (status=?)") { $0.statuses = [.error] },
]

@Suite struct PlanTests {
  @Test(arguments: expectations)
  fileprivate func `A common list uses its index`(_ expectation: Expectation) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let list = try SessionList(expectation.query)
    let plan = try await plan(list.pageStatement, on: repository)
    #expect(plan.contains(expectation.index), "\(plan)")
    // Sorting what an index gives in nearly the right order goes on group by group.
    #expect(plan.contains("TEMP B-TREE") == expectation.sorts, "\(plan)")
    await repository.close()
  }

  @Test func `The next page seeks to its place`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for number in 0..<3 { _ = try await repository.create("s\(number)") }
    var query = SessionQuery()
    query.pageSize = 1
    query.pageToken = try await repository.list(query).nextPageToken
    let byTime = try await plan(try SessionList(query).pageStatement, on: repository)
    #expect(byTime.contains("SEARCH sessions USING INDEX sessions_by_create_time (create_time>?)"), "\(byTime)")
    #expect(!byTime.contains("TEMP B-TREE"), "\(byTime)")
    await repository.close()
  }

  @Test func `Parents and children are found by index`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let children = try await plan("SELECT id FROM sessions WHERE parent_id = \(.text("x")) ORDER BY id", on: repository)
    #expect(children.contains("SEARCH sessions USING COVERING INDEX sessions_by_parent (parent_id=?)"), "\(children)")
    var query = SessionQuery()
    query.condition = try Condition.parse("parentId = ?", parameters: [.string("x")])
    let byCondition = try await plan(try SessionList(query).pageStatement, on: repository)
    #expect(byCondition.contains("sessions_by_parent (parent_id=?)"), "\(byCondition)")
    await repository.close()
  }

  @Test func `A page of templates seeks to its place`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for name in ["a", "b"] { _ = try await repository.createTemplate(TemplateDraft(name: name, type: .active)) }
    let token = try await repository.templates(pageSize: 1, pageToken: "").nextPageToken
    let page = try await plan(try TemplateList(pageSize: 1, pageToken: token).statement, on: repository)
    #expect(page.contains("SEARCH templates USING INDEX sqlite_autoindex_templates_1 (name>?)"), "\(page)")
    #expect(!page.contains("TEMP B-TREE"), "\(page)")
    await repository.close()
  }

  @Test func `The affinities of a target are found by index`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let leaving = try await plan(
      "DELETE FROM affinity_targets WHERE target_id = \(.text("x"))", on: repository)
    #expect(leaving.contains("INDEX affinity_targets_by_target (target_id=?)"), "\(leaving)")
    await repository.close()
  }

  @Test func `Messages are found, counted and expired by index`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    func steps(_ sql: String) async throws -> String {
      try await plan(SQLFragment(sql: sql, bindings: []), on: repository)
    }
    let next = try await steps(MessageStatements.next)
    #expect(next == "SEARCH messages USING INDEX messages_by_receiver (receiver_id=? AND priority=? AND rowid>?)")
    #expect(try await steps(MessageStatements.counts) == "SCAN messages USING COVERING INDEX messages_by_receiver")
    let expired = try await steps(MessageStatements.expired)
    #expect(expired.hasPrefix("SEARCH messages USING INDEX messages_by_expire_time"), "\(expired)")
    #expect(!expired.contains("TEMP B-TREE"), "\(expired)")
    let nextExpiry = try await steps(MessageStatements.nextExpiry)
    #expect(nextExpiry == "SEARCH messages USING COVERING INDEX messages_by_expire_time (expire_time>?)")
    let registered = try await steps(SeatLookup.registered)
    #expect(registered == "SEARCH sessions USING COVERING INDEX sessions_registered (type=?)")
    await repository.close()
  }

  @Test func `A page of dead letters seeks to its place`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for (id, index) in [
      (nil, "SEARCH dead_letters USING INTEGER PRIMARY KEY (rowid>?)"),
      (
        SessionID(high: 1, low: 1),
        "SEARCH dead_letters USING INDEX dead_letters_by_receiver (receiver_id=? AND rowid>?)"
      ),
    ] {
      let list = try DeadLetterList(of: id, pageSize: 0, pageToken: "")
      #expect(try await plan(list.statement, on: repository) == index)
    }
    await repository.close()
  }

  @Test func `History is read by sequence`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let page = try await plan(
      "SELECT \(EventRow.selection) FROM events WHERE sequence > \(.integer(5)) AND sequence <= \(.integer(9)) ORDER BY sequence",
      on: repository)
    #expect(page.contains("SEARCH events USING INTEGER PRIMARY KEY"), "\(page)")
    await repository.close()
  }
}
