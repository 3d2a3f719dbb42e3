import Glibc
import RepositoryConformance
import SessionDomain
import Testing

@testable import SessionStore

@Suite struct FaultTests {
  /// SQLite's own limit on the file's size is what a full disk looks like to it.
  @Test func `A full file fails the changes it has no room for, and the store runs on`() async throws {
    let fixture = try StoreFixture()
    let commits = CommitRecorder()
    let repository = try fixture.open(commits: commits)
    let session = try await repository.create("first")
    try await repository.limitPages(to: 40)
    let results = await repository.createAll(400, metadata: ["fill": .string(String(repeating: "x", count: 2000))])
    let made = results.compactMap { result in if case .success(let session) = result { session } else { nil } }
    #expect(made.count < 400)
    for case .failure(let error) in results {
      guard case .storage(let failure) = error else { throw error }
      #expect(failure.kind == .full)
      #expect(!failure.statement.contains("xxx"))
    }
    #expect(try await repository.inconsistencies() == [])
    let newest = try await repository.sequences().newest
    #expect(newest == Int64(made.count) + 1)
    #expect(commits.events.map(\.sequence) == Array(1...newest))
    for session in made { #expect(try await repository.session(session.id) == session) }
    try await repository.limitPages(to: 100_000)
    #expect(try await repository.update(session.id, .move(to: .active), expectedRevision: nil).revision == newest + 1)
    #expect(try await repository.inconsistencies() == [])
    await repository.close()
  }

  /// Files may not grow past a limit: every write behind it fails with EFBIG, and so does the COMMIT that makes it.
  /// The limit is the process's, so the test has one of its own.
  @Test func `A COMMIT that fails fails its whole batch, and the next one succeeds`() async throws {
    await #expect(processExitsWith: .success) {
      let fixture = try StoreFixture()
      let commits = CommitRecorder()
      let repository = try fixture.open(commits: commits) { $0.batchMax = 16 }
      let before = try await repository.create("before")
      try await repository.deferWrites()
      let limit = try FileSizeLimit(path: fixture.path + "-wal")
      let results = await repository.createAll(32)
      limit.lift()
      #expect(results.count == 32)
      for result in results {
        guard case .failure(.storage(let failure)) = result else {
          Issue.record("\(result) is not a failure of the file")
          continue
        }
        #expect([.io, .full].contains(failure.kind) && failure.statement == "COMMIT")
      }
      #expect(try await repository.sequences() == (1, 1))
      #expect(commits.events.count == 1)
      let after = try await repository.create("after")
      #expect(after.revision == 2 && after.id > before.id)
      #expect(try await repository.inconsistencies() == [])
      await repository.close()
      let again = try fixture.open()
      #expect(try await again.list(SessionQuery()).sessions.map(\.name) == ["before", "after"])
      await again.close()
    }
  }
}

extension SQLiteSessionRepository {
  /// Creates sessions, all at once, and gives what came of each.
  func createAll(_ count: Int, metadata: [String: JSONValue] = [:]) async -> [Result<Session, SessionError>] {
    await withTaskGroup(of: Result<Session, SessionError>.self) { group in
      for number in 0..<count {
        group.addTask {
          let draft = SessionDraft(type: .active, name: "s\(number)", workspace: "/", metadata: metadata)
          do throws(SessionError) {
            return .success(try await self.create(draft, request: nil))
          } catch {
            return .failure(error)
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  func limitPages(to count: Int) async throws(SessionError) {
    try await onCommitter { (writer) throws(StorageFailure) in
      _ = try writer.database.integer("PRAGMA max_page_count = \(count)")
    }
  }

  /// A large cache holds a batch's pages back until COMMIT writes them.
  func deferWrites() async throws(SessionError) {
    try await onCommitter { (writer) throws(StorageFailure) in
      _ = try writer.database.integer("PRAGMA cache_spill = 0")
    }
  }
}

/// No file of this process grows past the present size of one.
struct FileSizeLimit {
  private let old: rlimit

  init(path: String) throws {
    var information = stat()
    guard stat(path, &information) == 0 else { throw SystemFailure(errorNumber: errno) }
    // A write past the limit is to fail, not to end the process.
    signal(SIGXFSZ, SIG_IGN)
    var old = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
    self.old = old
    var limit = rlimit(rlim_cur: rlim_t(information.st_size), rlim_max: old.rlim_max)
    guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else {
      throw SystemFailure(errorNumber: errno)
    }
  }

  func lift() {
    var old = old
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
  }
}
