import SessionDomain
import Synchronization
import Testing

@testable import SessionStore

/// What a column holds, in the simplest form.
private struct Model {
  private(set) var sessions: [SessionID: Session] = [:]

  mutating func put(_ session: Session) { sessions[session.id] = session }

  mutating func remove(_ id: SessionID) { sessions[id] = nil }

  mutating func noteActivity(of id: SessionID, at time: Timestamp) {
    guard let last = sessions[id]?.lastActivityTime else { return }
    sessions[id]?.lastActivityTime = max(last, time)
  }

  /// A column that never was otherwise.
  var column: SearchColumn {
    sessions.values.sorted { $0.id < $1.id }.reduce(into: SearchColumn()) { $0.put($1) }
  }

  func latest(_ limit: Int, matching text: String) -> [SessionID] {
    let folded = text.lowercased()
    let found = sessions.values.filter { session in
      [session.name, session.workspace, session.id.description, session.type.description]
        .contains { $0.lowercased().contains(folded) }
    }
    return found.sorted { left, right in
      left.lastActivityTime == right.lastActivityTime
        ? left.id < right.id : left.lastActivityTime > right.lastActivityTime
    }.prefix(limit).map(\.id)
  }
}

private let names = ["Worker", "indexer", "Größe", "data processor", "WORKER-2", "x"]
private let workspaces = ["/", "/workspace/One", "/srv/Ärger/two", "/work"]
private let texts = [
  "worker", "RÖSSE", "größ", "/", "srv/ä", "a", "-", "0", "1f", "observer", "zebra", "e\u{ff}", "r/",
]

private func session(_ id: SessionID, _ generator: inout SeededGenerator) -> Session {
  var session = Session(
    id: id, type: SessionType.allCases[Int(id.low % 4)], name: names.randomElement(using: &generator) ?? "",
    status: .active, workspace: workspaces.randomElement(using: &generator) ?? "",
    createTime: Timestamp(microseconds: 0), revision: 1)
  session.lastActivityTime = Timestamp(microseconds: Int64.random(in: 0..<2000, using: &generator))
  return session
}

@Suite struct SearchColumnTests {
  @Test(arguments: [false, true])
  func `A column finds what its sessions have, whatever happened to them`(inOrder: Bool) throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(state: seed)
    var (column, model) = (SearchColumn(), Model())
    // More than a chunk holds, so that chunks begin and split.
    for number in 0..<UInt64(3 * SearchChunk.sessionsMax) {
      let high = inOrder ? number : UInt64.random(in: .min ... .max, using: &generator)
      let new = session(SessionID(high: high, low: number), &generator)
      column.put(new)
      model.put(new)
      guard number.isMultiple(of: 3), let some = model.sessions.keys.randomElement(using: &generator) else { continue }
      if number.isMultiple(of: 2) {
        column.remove(some)
        model.remove(some)
      } else if number % 9 == 3 {
        let time = Timestamp(microseconds: Int64.random(in: 0..<2000, using: &generator))
        column.noteActivity(of: some, at: time)
        model.noteActivity(of: some, at: time)
      } else {
        let changed = session(some, &generator)
        column.put(changed)
        model.put(changed)
      }
    }
    column.remove(SessionID(high: .max, low: .max))
    column.noteActivity(of: SessionID(high: .max, low: .max), at: Timestamp(microseconds: 1))
    #expect(column.count == model.sessions.count, "seed \(seed)")
    #expect(column.holdsSame(as: model.column), "seed \(seed)")
    #expect(column.bytes < 3 * model.column.bytes, "seed \(seed)")
    for text in texts {
      for limit in [1, 50, 1000] {
        let sought = try #require(SoughtText(SearchText.folded(text)))
        #expect(
          try column.latest(limit, matching: sought) == model.latest(limit, matching: text), "seed \(seed), \(text)")
      }
    }
    for id in model.sessions.keys { column.remove(id) }
    #expect(column.count == 0 && column.bytes == 0, "seed \(seed)")
  }

  @Test(arguments: [false, true])
  func `What most sessions have left takes little memory, and is still found`(inTurns: Bool) throws {
    var generator = SeededGenerator(state: 1)
    let count = UInt64(6 * SearchChunk.sessionsMax)
    var (column, model) = (SearchColumn(), Model())
    for number in 0..<count {
      let new = session(SessionID(high: number, low: 0), &generator)
      column.put(new)
      if number.isMultiple(of: 1000) { model.put(new) }
    }
    #expect(column.chunks.count == 6)
    let gone = (0..<count).filter { !$0.isMultiple(of: 1000) }
    for number in inTurns ? gone.shuffled(using: &generator) : gone {
      column.remove(SessionID(high: number, low: 0))
    }
    #expect(column.count == model.sessions.count && column.holdsSame(as: model.column))
    #expect(column.chunks.count == 1)
    #expect(column.bytes < 3 * model.column.bytes)
    let sought = try #require(SoughtText("work"))
    #expect(try column.latest(5, matching: sought) == model.latest(5, matching: "work"))
  }

  @Test func `A chunk takes no more than it needs when the next begins`() {
    var generator = SeededGenerator(state: 1)
    var column = SearchColumn()
    for number in 0..<UInt64(4 * SearchChunk.sessionsMax + 1) {
      column.put(session(SessionID(high: number, low: 0), &generator))
    }
    let texts = column.chunks.flatMap(\.contents).reduce(0) { $0 + $1.idText.count + $1.texts.count }
    // Beside the texts, 40 bytes each.
    #expect(column.bytes >= texts + 40 * column.count && column.bytes < (texts + 40 * column.count) * 101 / 100)
  }

  @Test func `A search ends when it may not go on`() throws {
    var generator = SeededGenerator(state: 1)
    var column = SearchColumn()
    for number in 0..<UInt64(3 * SearchChunk.sessionsMax) {
      column.put(session(SessionID(high: number, low: 0), &generator))
    }
    let sought = try #require(SoughtText("nowhere"))
    var looks = 0
    let over = StorageFailure(kind: .interrupted, extendedCode: 0, statement: "")
    #expect(throws: over) {
      try column.latest(1, matching: sought) { () throws(StorageFailure) in
        looks += 1
        if looks == 2 { throw over }
      }
    }
    #expect(looks == 2)
  }

  @Test func `Of sessions with the same activity the first id is found, wherever the later activity is`() throws {
    var column = SearchColumn()
    func put(_ number: Int, _ name: String, _ microseconds: Int64) {
      var session = Session(
        id: SessionID(high: UInt64(number), low: 0), type: .active, name: name, status: .active, workspace: "/",
        createTime: Timestamp(microseconds: 0), revision: 1)
      session.lastActivityTime = Timestamp(microseconds: microseconds)
      column.put(session)
    }
    for number in 0..<SearchChunk.sessionsMax { put(number, number == 7 ? "zebra" : "horse", 5) }
    put(SearchChunk.sessionsMax, "zebra", 5)
    put(SearchChunk.sessionsMax + 1, "horse", 9)
    let zebra = try #require(SoughtText("zebra"))
    #expect(try column.latest(1, matching: zebra) == [SessionID(high: 7, low: 0)])
  }

  @Test func `A copy stays as it was`() throws {
    var generator = SeededGenerator(state: 1)
    var column = SearchColumn()
    let first = session(SessionID(high: 0, low: 1), &generator)
    column.put(first)
    let copy = column
    var renamed = first
    renamed.name = "zebra"
    column.put(renamed)
    column.put(session(SessionID(high: 0, low: 2), &generator))
    let zebra = try #require(SoughtText("zebra"))
    #expect(try copy.count == 1 && copy.latest(9, matching: zebra) == [])
    #expect(try column.count == 2 && column.latest(9, matching: zebra) == [first.id])
    #expect(!column.holdsSame(as: copy) && column.holdsSame(as: column))
  }
}

@Suite struct SearchMemoryTests {
  /// Letters whose lower case is longer, shorter, an ASCII letter, or another one at the end of a word.
  private static let names = ["İstanbul", "STRASSE ẞ", "straße", "\u{212a}elvin", "ΌΔΟΣ", "E\u{301}cole", "École"]
  private static let sought =
    ["s", "S1", "/work", "active", "-", "zebra", "", "i", "ß", "K", "Σ", "ς", "\u{307}", "é", "\u{301}"] + names

  @Test(arguments: [0, 300, 1 << 20])
  func `A search finds the same in memory and in the file`(bytesMax: Int) async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open { $0.searchMemoryBytesMax = bytesMax }
    for number in 0..<20 { _ = try await repository.create("s\(number)") }
    for name in Self.names { _ = try await repository.create(name) }
    let isInMemory = try await repository.readers.readAtOnce { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in try repository.searchMemory.begin(database) != nil }
    }
    #expect(isInMemory == (bytesMax == 1 << 20))
    #expect(fixture.notices.all == (bytesMax == 300 ? [.searchMemoryExceeded(bytesMax: 300)] : []))
    for text in Self.sought {
      let search = try SessionSearch(text, limit: 7)
      let inFile = try await repository.readers.read { (database) throws(SessionError) in
        try storing { () throws(StorageFailure) in try database.sessions(search.statement).sessions }
      }
      #expect(try await repository.search(text, limit: 7) == inFile, "\(text)")
      if Self.names.contains(text) { #expect(!inFile.isEmpty, "\(text)") }
    }
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
    await (try fixture.open { $0.searchMemoryBytesMax = bytesMax }).close()
    #expect(fixture.notices.all.count == (bytesMax == 300 ? 2 : 0))
  }

  @Test func `A search in memory takes no longer than a read may`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open { $0.readTimeLimit = .zero }
    _ = try await repository.create("a")
    await #expect(throws: SessionError.tooCostly(limit: .zero)) { try await repository.search("zebra", limit: 0) }
    await repository.close()
  }

  @Test func `A search finds what was there before the store was opened`() async throws {
    let fixture = try StoreFixture()
    let first = try fixture.open()
    let session = try await first.create("Überall")
    await first.close()
    let second = try fixture.open()
    #expect(try await second.search("ÜBER", limit: 0) == [session])
    _ = try await second.delete(session.id, force: true, allowMissing: false, expectedRevision: nil)
    #expect(try await second.search("über", limit: 0) == [])
    #expect(try await second.inconsistencies() == [])
    await second.close()
  }

  /// Sessions that come and go while searches run: none is missing that was answered, and none is there that was gone.
  @Test func `Searches see what was answered before they began`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          for number in 0..<25 {
            let session = try await repository.create("worker-\(worker)-\(number)")
            #expect(try await repository.search("worker-\(worker)-\(number)", limit: 0) == [session])
            _ = try await repository.delete(session.id, force: true, allowMissing: false, expectedRevision: nil)
            #expect(try await repository.search("ER-\(worker)-\(number)", limit: 0) == [])
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `Activity that is written down sets nothing back that happened since`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    let session = try await repository.create("a")
    var later = session
    later.lastActivityTime = session.lastActivityTime.advanced(by: .seconds(2))
    try await repository.onCommitter { [later] (writer) throws(StorageFailure) in
      writer.activityTimes.note([(session.id, session.lastActivityTime.advanced(by: .seconds(1)))])
      try writer.touch(later)
      try writer.keepActivity(max: .max)
    }
    #expect(try await repository.session(session.id).lastActivityTime == later.lastActivityTime)
    #expect(try await repository.search("a", limit: 0).map(\.lastActivityTime) == [later.lastActivityTime])
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `A move without state sets no activity back that was reported meanwhile`() async throws {
    let fixture = try StoreFixture()
    let queues = ReportingQueues()
    let repository = try fixture.open(queues: queues)
    let session = try await repository.createRegistered("a")
    queues.report { [clock = fixture.clock] in
      clock.advance(by: .seconds(2))
      #expect(repository.report(ActivityReport(sessionID: session.id)) == .accepted)
    }
    _ = try await repository.migrate(session.id, Migration(workspace: "/other", preservesState: false))
    let time = session.lastActivityTime.advanced(by: .seconds(2))
    #expect(try await repository.session(session.id).lastActivityTime == time)
    #expect(try await repository.search("/other", limit: 0).map(\.lastActivityTime) == [time])
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  @Test func `Activity goes to the file before a list, in pieces that are the smaller the more is indexed`()
    async throws
  {
    let fixture = try StoreFixture()
    let keys = MetadataPath.list((0..<16).map { "k\($0)" }.joined(separator: ",")) ?? []
    let repository = try fixture.open { $0.metadataIndexes = keys }
    #expect(Writer.keptActivityMax(SessionStoreSettings(path: "")) == 1024)
    let max = Writer.keptActivityMax(repository.settings)
    #expect(max == 60)
    var ids: [SessionID] = []
    for number in 0..<2 * max + 1 { ids.append(try await repository.create("s\(number)").id) }
    fixture.clock.advance(by: .seconds(1))
    try await repository.onCommitter { [ids] (writer) throws(StorageFailure) in
      for id in ids { writer.noteActivity(of: id) }
    }
    var query = SessionQuery()
    query.pageSize = 1000
    #expect(try await Set(repository.list(query).sessions.map(\.lastActivityTime)) == [fixture.clock.now()])
    #expect(repository.activityTimes.isEmpty)
    await repository.close()
  }
}

/// Holds no messages, and reports in the middle of changes, as other threads may.
private final class ReportingQueues: MessageQueues {
  private let body = Mutex<(@Sendable () -> Void)?>(nil)

  func report(_ body: @escaping @Sendable () -> Void) { self.body.withLock { $0 = body } }

  func pendingCount(of id: SessionID, by writer: Writer) -> Int { 0 }

  func inDeliveryCount(of id: SessionID, by writer: Writer) -> Int { 0 }

  func discardAll(of id: SessionID, reason: String, by writer: Writer) -> Int {
    let body = body.withLock { $0.take() }
    body?()
    return 0
  }

  func pauseDeliveries(to id: SessionID) {}

  func resumeDeliveries(to id: SessionID) {}
}
