import Glibc
import RepositoryConformance
import SessionDomain
import Synchronization
import Testing

@testable import SessionStore

/// A directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/sessionstore.XXXXXX".utf8CString)
    guard let made = template.withUnsafeMutableBufferPointer({ buffer in buffer.baseAddress.flatMap { mkdtemp($0) } })
    else { throw SystemFailure(errorNumber: errno) }
    path = String(cString: made)
  }

  deinit {
    guard let directory = opendir(path) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { unlink("\(path)/\(name)") }
    }
    closedir(directory)
    rmdir(path)
  }
}

struct SystemFailure: Error {
  let errorNumber: Int32
}

/// A store on a file in a directory of its own.
struct StoreFixture: Sendable {
  let directory: TemporaryDirectory
  let clock = ManualClock()
  let monotonicClock = ManualMonotonicClock()
  let notices = NoticeRecorder()

  init() throws {
    directory = try TemporaryDirectory()
  }

  var path: String { "\(directory.path)/sessions.db" }

  func open(
    commits: CommitRecorder = CommitRecorder(), queues: (any MessageQueues)? = nil,
    _ change: (inout SessionStoreSettings) -> Void = { _ in }
  ) throws(StoreOpenError) -> SQLiteSessionRepository {
    var settings = SessionStoreSettings(path: path)
    settings.maxSessions = 100_000
    change(&settings)
    return try SQLiteSessionRepository(
      settings: settings, clock: clock, monotonicClock: monotonicClock, idGenerator: MonotonicIDGenerator(clock: clock),
      observer: commits, queues: queues, report: { [notices] in notices.note($0) })
  }
}

/// Keeps what stores say.
final class NoticeRecorder: Sendable {
  private let notices = Mutex<[StoreNotice]>([])

  var all: [StoreNotice] { notices.withLock { $0 } }

  func note(_ notice: StoreNotice) { notices.withLock { $0.append(notice) } }
}

extension SQLiteSessionRepository {
  func create(_ name: String) async throws(SessionError) -> Session {
    try await create(SessionDraft(type: .active, name: name, workspace: "/work"), request: nil)
  }
}

/// What a test waited for did not come.
struct DeadlinePassed: Error {}

extension SQLiteSessionRepository {
  /// Runs a piece of work where the writing connection lives.
  func onCommitter(_ body: @escaping @Sendable (Writer) throws(StorageFailure) -> Void) async throws(SessionError) {
    try await committer.submit { (writer) throws(SessionError) in
      try storing { () throws(StorageFailure) in try body(writer) }
    }
  }

  /// Puts a session on the message bus or takes it off, as if it had always been so.
  func setRegistration(_ id: SessionID, _ registration: Registration?) async throws(SessionError) {
    try await onCommitter { (writer) throws(StorageFailure) in
      guard let session = try writer.find(id) else { return }
      var changed = session
      changed.registration = registration
      _ = try writer.replace(session, with: changed, events: [])
    }
  }

  /// Waits until that many changes wait for the committer.
  func waitForChanges(_ count: Int) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while committer.waitingCount < count {
      guard ContinuousClock.now < deadline else { throw DeadlinePassed() }
      await Task.yield()
    }
  }
}
