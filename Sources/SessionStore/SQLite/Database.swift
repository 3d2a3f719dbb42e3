import CSQLite
import SessionDomain

/// One connection to a database file, with its prepared statements.
///
/// It has no lock of its own (SQLITE_OPEN_NOMUTEX): whoever owns it uses it from one thread at a time, which is what
/// makes the unchecked conformance true.
final class Database: @unchecked Sendable {
  enum Access {
    case readWrite, readOnly
  }

  /// How long a statement waits for a lock of another process.
  private static let busyTimeoutMilliseconds: Int32 = 5000
  /// Texts of statements that are kept prepared; lists make texts of many shapes.
  private static let cachedStatementsMax = 256

  private let handle: OpaquePointer
  private var progressHandler: (@convention(c) (UnsafeMutableRawPointer?) -> Int32)?
  private var progressContext: UnsafeMutableRawPointer?
  private var cache: [SpelledText: Statement] = [:]

  init(path: String, access: Access) throws(StorageFailure) {
    let flags =
      switch access {
      case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .readOnly: SQLITE_OPEN_READONLY
      }
    var handle: OpaquePointer?
    let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard code == SQLITE_OK, let handle else {
      sqlite3_close_v2(handle)
      throw StorageFailure(code: code, statement: "open")
    }
    self.handle = handle
    sqlite3_busy_timeout(handle, Self.busyTimeoutMilliseconds)
  }

  deinit {
    // Statements hold the connection open until they are finalized themselves.
    sqlite3_close_v2(handle)
  }

  /// The statement with this text, prepared once and kept.
  func statement(_ sql: String) throws(StorageFailure) -> Statement {
    let key = SpelledText(sql)
    if let statement = cache[key] {
      statement.reset()
      return statement
    }
    if cache.count >= Self.cachedStatementsMax { cache.removeAll() }
    let statement = try prepare(sql)
    cache[key] = statement
    return statement
  }

  /// A statement of its own with this text.
  func prepare(_ sql: String) throws(StorageFailure) -> Statement {
    var pointer: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil)
    guard code == SQLITE_OK, let pointer else { throw StorageFailure(code: code, statement: sql) }
    return Statement(pointer)
  }

  /// Runs statements that take no values and give no rows.
  func execute(_ script: String) throws(StorageFailure) {
    let code = sqlite3_exec(handle, script, nil, nil, nil)
    guard code == SQLITE_OK else { throw StorageFailure(code: code, statement: script) }
  }

  /// The first column of the first row as an integer; nil without a row.
  func integer(_ sql: String) throws(StorageFailure) -> Int64? {
    let statement = try statement(sql)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    var row = statement.row
    return row.integer()
  }

  /// The first column of the first row as a text; nil without a row.
  func text(_ sql: String) throws(StorageFailure) -> String? {
    let statement = try statement(sql)
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    var row = statement.row
    return row.optionalText()
  }

  /// Whether no transaction is open; SQLite ends one by itself on some errors.
  var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }

  /// Rows that were written so far; each statement that writes any makes it another.
  var writesCount: Int64 { sqlite3_total_changes64(handle) }

  /// Whether the file can be read only.
  var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") != 0 }

  /// How the page cache did since this was asked last.
  func takePageFigures() -> PageFigures {
    func take(_ counter: Int32) -> Int64 {
      var (current, highest): (Int32, Int32) = (0, 0)
      return sqlite3_db_status(handle, counter, &current, &highest, 1) == SQLITE_OK ? Int64(current) : 0
    }
    return PageFigures(
      hits: take(SQLITE_DBSTATUS_CACHE_HIT), misses: take(SQLITE_DBSTATUS_CACHE_MISS),
      writes: take(SQLITE_DBSTATUS_CACHE_WRITE))
  }

  /// Has `handler` asked every `steps` steps of a statement whether to go on; 0 steps for no handler.
  func setProgressHandler(
    every steps: Int32, _ handler: (@convention(c) (UnsafeMutableRawPointer?) -> Int32)?,
    _ context: UnsafeMutableRawPointer?
  ) {
    sqlite3_progress_handler(handle, steps, handler, context)
    (progressHandler, progressContext) = (handler, context)
  }

  /// Asks the progress handler, if there is one, whether to go on; for work between statements that takes long. Throws
  /// what a statement would that is interrupted.
  func checkProgress() throws(StorageFailure) {
    guard let progressHandler, progressHandler(progressContext) != 0 else { return }
    throw StorageFailure(code: SQLITE_INTERRUPT, statement: "between statements")
  }

  /// Makes a function of two or more texts that says yes or no, for use in statements.
  func addFunction(
    _ name: String, arguments: Int32,
    _ function: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void
  ) throws(StorageFailure) {
    let code = sqlite3_create_function_v2(
      handle, name, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nil, function, nil, nil, nil)
    guard code == SQLITE_OK else { throw StorageFailure(code: code, statement: name) }
  }
}
