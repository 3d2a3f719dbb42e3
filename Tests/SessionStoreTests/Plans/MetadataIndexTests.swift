import Glibc
import RepositoryConformance
import SessionDomain
import Synchronization
import Testing

@testable import SessionStore

private func paths(_ text: String) throws -> [MetadataPath] {
  try #require(MetadataPath.list(text))
}

/// Copies a file as it is for other processes.
private func copy(_ path: String, to other: String) {
  let (source, target) = (open(path, O_RDONLY), open(other, O_WRONLY | O_CREAT, 0o600))
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = read(source, &buffer, buffer.count), count > 0 {
    #expect(write(target, buffer, count) == count)
  }
  close(source)
  close(target)
}

extension SQLiteSessionRepository {
  /// The names of the indexes that were made for metadata.
  fileprivate func metadataIndexNames() async throws -> [String] {
    try await readers.read { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in
        let statement = try database.statement(
          "SELECT name FROM sqlite_schema WHERE name LIKE '%metadata%' ORDER BY name")
        defer { statement.reset() }
        var names: [String] = []
        while try statement.step() {
          var row = statement.row
          names.append(row.text())
        }
        return names
      }
    }
  }

  fileprivate func create(_ name: String, _ metadata: [String: JSONValue]) async throws {
    _ = try await create(SessionDraft(type: .active, name: name, workspace: "/", metadata: metadata), request: nil)
  }

  fileprivate func names(where text: String, _ parameters: [ConditionValue] = []) async throws -> [String] {
    var query = SessionQuery()
    query.condition = try Condition.parse(text, parameters: parameters)
    query.includeTotal = true
    let page = try await list(query)
    #expect(page.totalSize == Int64(page.sessions.count))
    return page.sessions.map(\.name)
  }
}

@Suite struct MetadataIndexTests {
  @Test func `Indexes come with their keys and go without them`() async throws {
    let fixture = try StoreFixture()
    let said = Mutex<[String]>([])
    func open(_ text: String) throws -> SQLiteSessionRepository {
      var settings = SessionStoreSettings(path: fixture.path)
      settings.metadataIndexes = try paths(text)
      return try SQLiteSessionRepository(
        settings: settings, clock: fixture.clock, idGenerator: MonotonicIDGenerator(clock: fixture.clock),
        observer: CommitRecorder()
      ) { notice in
        let text =
          switch notice {
          case .buildingIndex(let name, let sessions): "building \(name) of \(sessions)"
          case .builtIndex(let name): "built \(name)"
          case .droppedIndex(let name): "dropped \(name)"
          case .migrating, .migrated, .searchMemoryExceeded, .searchMemoryUnreadable: "\(notice)"
          }
        said.withLock { $0.append(text) }
      }
    }
    func names(_ fields: String...) -> [String] {
      fields.flatMap { field in
        ["create_time", "last_activity_time"].map { "sessions_by_metadata: \(field) by \($0)" }
      }
    }
    let plain = try open("")
    try await plain.create("a", ["domain": .string("x")])
    #expect(try await plain.metadataIndexNames() == [] && said.withLock { $0.isEmpty })
    await plain.close()

    let both = try open("domain, config->'it''s'")
    let wanted = names("metadata->'config'->>'it''s'", "metadata->>'domain'")
    #expect(try await both.metadataIndexNames() == wanted)
    #expect(said.withLock { Set($0) } == Set(wanted.flatMap { ["building \($0) of 1", "built \($0)"] }))
    #expect(try await both.names(where: "metadata->>'domain' = 'x'") == ["a"])
    try await both.create("b", ["domain": .string("x"), "config": .object(["it's": .number(1)])])
    #expect(try await both.inconsistencies() == [])
    await both.close()

    said.withLock { $0 = [] }
    let same = try open("config->'it''s',domain")
    #expect(said.withLock { $0 } == [])
    await same.close()

    let one = try open("config->'it''s'")
    #expect(try await one.metadataIndexNames() == names("metadata->'config'->>'it''s'"))
    #expect(said.withLock { $0 } == names("metadata->>'domain'").map { "dropped \($0)" })
    #expect(try await one.names(where: "metadata->>'domain' = 'x'").sorted() == ["a", "b"])
    #expect(try await one.names(where: "metadata->'config'->>'it''s' = 1") == ["b"])
    await one.close()
  }

  @Test func `A process that ends while indexes are built leaves the file as it was`() async throws {
    let (fixture, left) = (try StoreFixture(), try StoreFixture())
    let first = try fixture.open { $0.metadataIndexes = MetadataPath.list("old") ?? [] }
    for number in 0..<100 { try await first.create("s\(number)", ["domain": .string("x")]) }
    await first.close()
    var settings = SessionStoreSettings(path: fixture.path)
    settings.metadataIndexes = try paths("domain")
    let whole = try SQLiteSessionRepository(
      settings: settings, clock: fixture.clock, idGenerator: MonotonicIDGenerator(clock: fixture.clock),
      observer: CommitRecorder()
    ) { notice in
      // The other one is gone, and the first of two is built.
      guard case .buildingIndex(let name, 100) = notice, name.hasSuffix("by last_activity_time") else { return }
      for end in ["", "-wal"] { copy(fixture.path + end, to: left.path + end) }
    }
    await whole.close()
    let again = try left.open { $0.metadataIndexes = MetadataPath.list("old,domain") ?? [] }
    let names = ["create_time", "last_activity_time"].map { "sessions_by_metadata: metadata->>'domain' by \($0)" }
    let building = names.map { StoreNotice.buildingIndex(name: $0, sessions: 100) }
    #expect(left.notices.all == building + names.map { .builtIndex(name: $0) })
    #expect(try await again.names(where: "metadata->>'domain' = 'x' AND name = 's7'") == ["s7"])
    #expect(try await again.inconsistencies() == [])
    await again.close()
  }

  @Test func `An index of that name with another expression is built anew`() async throws {
    let fixture = try StoreFixture()
    await (try fixture.open { $0.metadataIndexes = MetadataPath.list("domain") ?? [] }).close()
    let other = try fixture.open()
    let name = "sessions_by_metadata: metadata->>'domain' by create_time"
    try await other.onCommitter { (writer) throws(StorageFailure) in
      try writer.database.execute("CREATE INDEX \"\(name)\" ON sessions (name)")
    }
    await other.close()
    let again = try fixture.open { $0.metadataIndexes = MetadataPath.list("domain") ?? [] }
    let plan = try await again.plan(try query("metadata->>'domain' = 'x'"))
    #expect(plan.description.contains("\(name) (<expr>=?)"), "\(plan)")
    await again.close()
  }

  @Test(arguments: [
    ("gr\u{f6}ße", "gro\u{308}ße"), ("Kind", "\u{212a}ind"), ("a;b", "a\u{37e}b"), ("Domain", "domain"),
  ])
  func `A key that is like a declared one is another key`(key: String, other: String) async throws {
    let fixture = try StoreFixture()
    let fields = try [key, other].map { key in "\(try #require(MetadataPath([key])).field)" }
    func open(_ keys: [String]) throws -> SQLiteSessionRepository {
      let declared = try paths(keys.joined(separator: ","))
      return try fixture.open { settings in
        settings.metadataIndexes = declared
        settings.readerCount = 1
      }
    }
    let one = try open([key])
    try await one.create("key", [key: .string("x")])
    try await one.create("other", [other: .string("x")])
    #expect(try await one.names(where: "\(fields[1]) = 'x'") == ["other"])
    #expect(try await one.names(where: "\(fields[0]) = 'x'") == ["key"])
    await one.close()
    for keys in [[other], [key, other], [other, key]] {
      let some = try open(keys)
      for (field, name) in zip(fields, ["key", "other"]) {
        let query = try query("\(field) = 'x'")
        #expect(try await some.names(where: "\(field) = 'x'") == [name])
        let isDeclared = keys.count == 2 || name == "other"
        let plan = try await some.plan(query)
        #expect(plan.description.contains("sessions_by_metadata") == isDeclared, "\(field) of \(keys): \(plan)")
      }
      #expect(try await some.metadataIndexNames().count == 2 * keys.count)
      await some.close()
    }
  }

  @Test func `Statements are told from each other byte by byte`() throws {
    let fixture = try StoreFixture()
    let database = try Database(path: fixture.path, access: .readWrite)
    for text in ["\u{f6}", "o\u{308}", "\u{212b}", "A\u{30a}", "K", "\u{212a}", ""] {
      #expect(try Array((database.text("SELECT '\(text)'") ?? "").utf8) == Array(text.utf8))
    }
  }

  private func query(_ text: String, _ parameters: [ConditionValue] = []) throws -> SessionQuery {
    var query = SessionQuery()
    query.condition = try Condition.parse(text, parameters: parameters)
    return query
  }

  @Test(arguments: ["domain", "it's", "'", "'\u{301}", "größe", "日本", "a.b", "$[0]", "a,b", "a->b", " a ", "?1", "--"])
  func `Lists of a declared key use its index, whatever characters it has`(key: String) async throws {
    let fixture = try StoreFixture()
    let field = try #require(MetadataPath(["outer", key])).field
    let repository = try fixture.open { $0.metadataIndexes = MetadataPath(["outer", key]).map { [$0] } ?? [] }
    for (name, value) in [("a", "x"), ("b", "y"), ("c", "x")] {
      try await repository.create(name, ["outer": .object([key: .string(value)])])
    }
    try await repository.create("d", [key: .string("x")])
    #expect(try await repository.names(where: "\(field) = 'x'") == ["a", "c"])
    #expect(try await repository.names(where: "type = 'ACTIVE' AND \(field) IN ('y', ?)", [.string("z")]) == ["b"])
    var query = try query("\(field) = 'x'")
    let seek = "SEARCH sessions USING INDEX sessions_by_metadata: \(field)"
    for (types, statuses) in [
      ([], []), ([.active], [.initializing]), ([.active, .observer], [.initializing, .active]),
    ] as [([SessionType], [SessionStatus])] {
      query.types = types
      query.statuses = statuses
      let byCreation = try await repository.plan(query)
      #expect(byCreation.readsOnly("\(seek) by create_time (<expr>=?)") && !byCreation.sorts, "\(byCreation)")
    }
    let total = try await repository.totalPlan(query)
    #expect(total.readsOnly(seek), "\(total)")
    query.order = [SessionOrder(.lastActivityTime, isDescending: true)]
    let byActivity = try await repository.plan(query)
    #expect(byActivity.readsOnly("\(seek) by last_activity_time (<expr>=?)"), "\(byActivity)")
    #expect(!byActivity.sorts && byActivity.sortsTies, "\(byActivity)")
    query.pageSize = 1
    query.pageToken = try await repository.list(query).nextPageToken
    let next = try await repository.plan(query)
    #expect(next.readsOnly("\(seek) by last_activity_time (<expr>=? AND last_activity_time<?)"), "\(next)")
    #expect(!next.sorts && next.sortsTies, "\(next)")
    #expect(try await repository.list(query).sessions.map(\.name).count == 1)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test(arguments: [
    ("= true", ["true"]), ("= 1", ["one"]), ("IN (false, 'text')", ["false", "text"]), ("= 0", []),
    ("IN (1, true, 7)", ["one", "true", "seven"]), ("= '1'", ["text one"]), ("> 1", ["seven", "half"]),
    (">= false", ["true", "false"]), ("< 'z'", ["text one", "text", "list"]), ("BETWEEN 0 AND 2", ["one", "half"]),
    ("IS NULL", ["missing", "null"]), ("IS NOT NULL AND name LIKE 't%'", ["true", "text one", "text"]),
    ("!= 1", ["true", "false", "text one", "seven", "half", "text", "list"]),
    ("NOT IN (1, true)", ["false", "text one", "seven", "half", "text", "list"]), ("LIKE 'TE%'", ["text"]),
    ("NOT BETWEEN 0 AND 2", ["seven"]), ("= ?", []),
  ])
  func `An index finds what there is without it`(test: String, names: [String]) async throws {
    let values: [(String, JSONValue?)] = [
      ("true", .bool(true)), ("false", .bool(false)), ("one", .number(1)), ("text one", .string("1")),
      ("seven", .number(7)), ("half", .number(1.5)), ("missing", nil), ("null", .null), ("text", .string("text")),
      ("list", .array([])),
    ]
    var opposites: [[String]] = []
    for keys in ["", "k"] {
      let fixture = try StoreFixture()
      let repository = try fixture.open { $0.metadataIndexes = MetadataPath.list(keys) ?? [] }
      for (name, value) in values { try await repository.create(name, value.map { ["k": $0] } ?? [:]) }
      let parameters: [ConditionValue] = test == "= ?" ? [.null] : []
      let found = try await repository.names(where: "metadata->>'k' \(test)", parameters)
      #expect(found.sorted() == names.sorted(), "indexes: \(keys)")
      let opposite = try await repository.names(where: "NOT (metadata->>'k' \(test))", parameters)
      #expect(Set(opposite).isDisjoint(with: names), "indexes: \(keys)")
      opposites.append(opposite)
      let total = try await repository.totalPlan(try query("metadata->>'k' \(test)", parameters))
      let isSought = !keys.isEmpty && ["= ", "IN", "> ", ">=", "< ", "BE", "IS NULL"].contains { test.hasPrefix($0) }
      if isSought { #expect(total.readsOnly("SEARCH sessions USING INDEX sessions_by_metadata"), "\(total)") }
      await repository.close()
    }
    #expect(opposites.first == opposites.last)
  }

  @Test func `A page's token is good when indexes came and went`() async throws {
    let fixture = try StoreFixture()
    let first = try fixture.open()
    for name in ["a", "b"] { try await first.create(name, ["k": .string("x")]) }
    var query = try query("metadata->>'k' = 'x' AND type = 'ACTIVE'")
    query.pageSize = 1
    query.pageToken = try await first.list(query).nextPageToken
    await first.close()
    let second = try fixture.open { $0.metadataIndexes = MetadataPath.list("k") ?? [] }
    #expect(try await second.list(query).sessions.map(\.name) == ["b"])
    await second.close()
  }
}
