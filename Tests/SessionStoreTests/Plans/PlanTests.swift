import SessionDomain
import Testing

@testable import SessionStore

/// An order that lists are asked for. The indexes have ids backwards where they are read backwards, so that sessions of
/// one moment are sorted then, and no others.
private struct Order: CustomTestStringConvertible, Sendable {
  let field: SessionField
  let isDescending: Bool

  var testDescription: String { "\(field) \(isDescending ? "descending" : "ascending")" }
  var order: SessionOrder { SessionOrder(field, isDescending: isDescending) }
  /// What indexes that go on with it are called.
  var column: String { field == .createTime ? "create_time" : "last_activity_time" }

  static let all = [SessionField.createTime, .lastActivityTime].flatMap { field in
    [false, true].map { Order(field: field, isDescending: $0) }
  }
}

/// What a list is narrowed to by types and statuses.
private struct Narrowed: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let types: [SessionType]
  let statuses: [SessionStatus]
  var condition = ""

  static let all = [
    Narrowed(testDescription: "one type", types: [.director], statuses: []),
    Narrowed(testDescription: "two types", types: [.director, .observer], statuses: []),
    Narrowed(testDescription: "one status", types: [], statuses: [.error]),
    Narrowed(testDescription: "three statuses", types: [], statuses: [.active, .idle, .error]),
    Narrowed(testDescription: "a type and a status", types: [.active], statuses: [.active]),
    Narrowed(testDescription: "types and statuses", types: [.active, .department], statuses: [.active, .idle]),
    Narrowed(
      testDescription: "a condition", types: [], statuses: [],
      condition: "type = 'DEPARTMENT' AND status IN ('ACTIVE', 'IDLE') AND metadata->>'k' = 'v'"),
  ]
}

@Suite struct PlanTests {
  @Test(arguments: Narrowed.all, Order.all)
  fileprivate func `A list of types and statuses is merged from its index`(
    _ narrowed: Narrowed, _ order: Order
  ) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for number in 0..<3 {
      _ = try await repository.create(
        SessionDraft(
          type: .department, name: "s\(number)", workspace: "/", metadata: ["k": .string("v")]), request: nil)
    }
    var query = SessionQuery()
    query.types = narrowed.types
    query.statuses = narrowed.statuses
    if !narrowed.condition.isEmpty { query.condition = try Condition.parse(narrowed.condition) }
    query.order = [order.order]
    let index = "SEARCH sessions USING INDEX sessions_by_type_and_\(order.column) (type=? AND status=?"
    let first = try await repository.plan(query)
    #expect(first.readsOnly(index) && !first.sorts && first.sortsTies == order.isDescending, "\(first)")

    query.types = [.department]
    query.statuses = [.initializing, .active]
    query.condition = nil
    query.pageSize = 1
    query.pageToken = try await repository.list(query).nextPageToken
    let next = try await repository.plan(query)
    let comparison = order.isDescending ? "<" : ">"
    #expect(next.readsOnly("\(index) AND \(order.column)\(comparison)?"), "\(next)")
    #expect(!next.sorts && next.sortsTies == order.isDescending, "\(next)")
    await repository.close()
  }

  @Test(arguments: Order.all)
  fileprivate func `A list of all follows an index, and its next page seeks to its place`(
    _ order: Order
  ) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for number in 0..<3 { _ = try await repository.create("s\(number)") }
    var query = SessionQuery()
    query.order = [order.order]
    query.types = SessionType.allCases
    query.pageSize = 1
    let first = try await repository.plan(query)
    #expect(first.readsOnly("SCAN sessions USING INDEX sessions_by_\(order.column)"), "\(first)")
    #expect(!first.sorts && first.sortsTies == order.isDescending, "\(first)")
    query.pageToken = try await repository.list(query).nextPageToken
    let next = try await repository.plan(query)
    let comparison = order.isDescending ? "<" : ">"
    let seek = "SEARCH sessions USING INDEX sessions_by_\(order.column) (\(order.column)\(comparison)?)"
    #expect(next.readsOnly(seek) && !next.sorts && next.sortsTies == order.isDescending, "\(next)")
    await repository.close()
  }

  @Test func `A list by id follows the ids`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    var query = SessionQuery()
    query.order = [SessionOrder(.id)]
    let plan = try await repository.plan(query)
    #expect(plan.readsOnly("SCAN sessions USING INDEX sqlite_autoindex_sessions_1"), "\(plan)")
    #expect(!plan.sorts && !plan.sortsTies, "\(plan)")
    await repository.close()
  }

  @Test func `Children are found in the order of their creation`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let id = SessionID(high: 1, low: 2)
    let children = try await repository.plan(Writer.childIDs(of: id))
    #expect(children.readsOnly("SEARCH sessions USING COVERING INDEX sessions_by_parent (parent_id=?)"), "\(children)")
    var query = SessionQuery()
    query.condition = try Condition.parse("parentId = ?", parameters: [.string("\(id)")])
    query.statuses = [.active, .idle]
    let page = try await repository.plan(query)
    #expect(page.readsOnly("SEARCH sessions USING INDEX sessions_by_parent (parent_id=?)") && !page.sorts, "\(page)")
    await repository.close()
  }

  @Test(arguments: [
    ("type = 'DIRECTOR' AND status = 'IDLE'", "COVERING INDEX sessions_by_type_and_"),
    ("status = 'IDLE' AND name = 'a'", "INDEX sessions_by_type_and_"), ("parentId = 'a'", "INDEX sessions_by_parent"),
    ("createdAt > 5", "COVERING INDEX sessions_by_create_time (create_time>?)"),
  ])
  func `A total is counted by index`(condition: String, index: String) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    var query = SessionQuery()
    query.condition = try Condition.parse(condition)
    let plan = try await repository.totalPlan(query)
    #expect(plan.reads.count == 1 && plan.description.contains("SEARCH sessions USING"), "\(plan)")
    #expect(plan.description.contains(index), "\(plan)")
    await repository.close()
  }

  @Test(
    arguments: [
      ("", [.director], []), ("", [], [.active, .idle]), ("", [], []), ("type = 'DIRECTOR'", [], []),
      ("type = 'DIRECTOR'", [.observer], []),
    ] as [(String, [SessionType], [SessionStatus])])
  func `A total that the totals know is not counted`(
    condition: String, types: [SessionType], statuses: [SessionStatus]
  ) async throws {
    var query = SessionQuery()
    query.types = types
    query.statuses = statuses
    if !condition.isEmpty { query.condition = try Condition.parse(condition) }
    #expect(ListFilter(query, indexes: .none).counted != nil)
    query.condition = try Condition.parse("name = 'a'")
    #expect(ListFilter(query, indexes: .none).counted == nil)
  }

  @Test func `Sessions are found by id, and by status for their times and their end`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let one = try await repository.plan(SessionLookup.statement(of: SessionID(high: 1, low: 2)))
    #expect(one.readsOnly("SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (id=?)"), "\(one)")
    for columns in ["id, status, constraints", "id, parent_id"] as [SQLFragment] {
      let statuses = try await repository.plan(StatusLookup.all(where: \.isLive, columns))
      #expect(statuses.readsOnly("SEARCH sessions USING INDEX sessions_by_type_and_"), "\(statuses)")
      #expect(statuses.description.contains("(type=? AND status=?)"), "\(statuses)")
    }
    await repository.close()
  }

  @Test func `A search in the file follows the latest activity`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for text in ["", "main", "director"] {
      let plan = try await repository.plan(SessionSearch(text, limit: 10).statement)
      #expect(plan.readsOnly("SCAN sessions USING INDEX sessions_by_last_activity_time"), "\(plan)")
      #expect(!plan.sorts && plan.sortsTies, "\(plan)")
    }
    await repository.close()
  }

  @Test func `A page of templates seeks to its place`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for name in ["a", "b"] { _ = try await repository.createTemplate(TemplateDraft(name: name, type: .active)) }
    let token = try await repository.templates(pageSize: 1, pageToken: "").nextPageToken
    let page = try await repository.plan(try TemplateList(pageSize: 1, pageToken: token).statement)
    #expect(page.readsOnly("SEARCH templates USING INDEX sqlite_autoindex_templates_1 (name>?)"), "\(page)")
    #expect(!page.sorts && !page.sortsTies, "\(page)")
    await repository.close()
  }

  @Test func `The affinities of a target are found by index`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let leaving = try await repository.plan("DELETE FROM affinity_targets WHERE target_id = \(.text("x"))")
    #expect(leaving.description.contains("INDEX affinity_targets_by_target (target_id=?)"), "\(leaving)")
    await repository.close()
  }
}

// MARK: Events

extension PlanTests {
  private func plan(_ filter: EventFilter, on repository: SQLiteSessionRepository) async throws -> Plan {
    let history = EventHistory(position: .oldest, filter: filter, limit: 10)
    return try await repository.plan(history.statement(after: 5, through: 9, limit: 10))
  }

  @Test(arguments: [
    EventFilter(), EventFilter(kinds: [.created], types: [.director]),
    EventFilter(sessionIDs: Set((0..<17).map { SessionID(high: 0, low: $0) })),
  ])
  func `History is read by sequence`(filter: EventFilter) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let page = try await plan(filter, on: repository)
    #expect(page.description.contains("SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "\(page)")
    #expect(!page.description.contains("events_by_session") && !page.sorts, "\(page)")
    await repository.close()
  }

  @Test(arguments: [1, 2, 16] as [UInt64])
  func `The history of a few sessions is merged from its index`(count: UInt64) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let ids = Set((0..<count).map { SessionID(high: 0, low: $0) })
    let page = try await plan(EventFilter(kinds: [.created], sessionIDs: ids), on: repository)
    let reads = page.reads.filter { $0.contains("events") }
    #expect(reads.count == Int(count), "\(page)")
    let seek = "SEARCH events USING INDEX events_by_session (session_id=? AND rowid>? AND rowid<?)"
    #expect(reads.allSatisfy { $0 == seek }, "\(page)")
    #expect(!page.sorts && !page.sortsTies, "\(page)")
    await repository.close()
  }

  @Test(
    arguments: [
      (EventFilter(), 100_000), (EventFilter(kinds: [.created]), 100_000),
      (EventFilter(sessionIDs: [SessionID(high: 0, low: 1)]), 10_000_000),
      (EventFilter(kinds: [.created], sessionIDs: [SessionID(high: 0, low: 1)]), 400_000),
      (EventFilter(sessionIDs: [SessionID(high: 0, low: 1)], types: [.director]), 400_000),
    ] as [(EventFilter, Int64)])
  func `A page that must look at rows in vain ends in time`(filter: EventFilter, count: Int64) {
    let history = EventHistory(position: .oldest, filter: filter, limit: 10)
    #expect(history.through(after: 7, newest: 10_000_007) == 7 + count)
    #expect(history.through(after: 7, newest: 9) == 9)
    #expect(history.through(after: 7, newest: .max) == (count == 10_000_000 ? .max : 7 + count))
  }

  @Test func `What is too old is found by its place`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let events = try await repository.plan("DELETE FROM events WHERE sequence <= \(.integer(5))")
    #expect(events.readsOnly("SEARCH events USING INTEGER PRIMARY KEY (rowid<?)"), "\(events)")
    let requests = try await repository.plan(
      SQLFragment(sql: Writer.forgetRequests, bindings: [.integer(5), .integer(1024)]))
    #expect(
      requests.description.contains("SEARCH requests USING PRIMARY KEY (method=? AND request_id=?)"), "\(requests)")
    #expect(
      requests.description.contains("SEARCH requests USING COVERING INDEX requests_by_time (time<?)"), "\(requests)")
    #expect(!requests.sorts, "\(requests)")
    await repository.close()
  }
}
