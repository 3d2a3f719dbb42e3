import CSQLite
import SessionDomain

/// A prepared statement. Values are bound one after another, then it is stepped, then reset.
final class Statement {
  private let pointer: OpaquePointer
  private var boundCount: Int32 = 0
  private var bindingCode = SQLITE_OK

  init(_ pointer: OpaquePointer) {
    self.pointer = pointer
  }

  deinit {
    sqlite3_finalize(pointer)
  }

  /// The text, with marks where values go.
  var sql: String { String(cString: sqlite3_sql(pointer)) }

  /// Forgets values and rows.
  func reset() {
    // The code is that of the last step, which has thrown it already.
    sqlite3_reset(pointer)
    boundCount = 0
    bindingCode = SQLITE_OK
  }

  func bind(_ value: Int64) {
    note(sqlite3_bind_int64(pointer, nextMark(), value))
  }

  func bind(_ value: Int64?) {
    if let value { bind(value) } else { bindNull() }
  }

  func bind(_ value: Double) {
    note(sqlite3_bind_double(pointer, nextMark(), value))
  }

  func bind(_ value: String) {
    var value = value
    value.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        // No bytes is the empty text, and a null pointer would be NULL.
        guard let start = characters.baseAddress else {
          note(sqlite3_bind_text(pointer, nextMark(), "", 0, Self.transient))
          return
        }
        note(sqlite3_bind_text(pointer, nextMark(), start, Int32(clamping: bytes.count), Self.transient))
      }
    }
  }

  func bind(_ value: String?) {
    if let value { bind(value) } else { bindNull() }
  }

  /// Binds an id as its text.
  func bind(_ value: SessionID) { value.withUTF8(bind) }

  /// Binds an id as its text.
  func bind(_ value: MessageID) { value.withUTF8(bind) }

  private func bind(_ bytes: UnsafeBufferPointer<UInt8>) {
    bytes.withMemoryRebound(to: CChar.self) { characters in
      note(
        sqlite3_bind_text(pointer, nextMark(), characters.baseAddress, Int32(clamping: bytes.count), Self.transient))
    }
  }

  func bind(_ value: SessionID?) {
    if let value { bind(value) } else { bindNull() }
  }

  func bind(_ value: [UInt8]) {
    value.withUnsafeBytes { bytes in
      note(sqlite3_bind_blob(pointer, nextMark(), bytes.baseAddress, Int32(clamping: bytes.count), Self.transient))
    }
  }

  func bind(_ value: Timestamp?) {
    bind(value?.microseconds)
  }

  func bind(_ value: SQLValue) {
    switch value {
    case .null: bindNull()
    case .integer(let integer): bind(integer)
    case .real(let real): bind(real)
    case .text(let text): bind(text)
    }
  }

  func bindNull() {
    note(sqlite3_bind_null(pointer, nextMark()))
  }

  /// Goes on to the next row; false when there is none.
  func step() throws(StorageFailure) -> Bool {
    guard bindingCode == SQLITE_OK else { throw StorageFailure(code: bindingCode, statement: sql) }
    switch sqlite3_step(pointer) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw StorageFailure(code: code, statement: sql)
    }
  }

  /// Runs the statement, which gives no rows, to its end, and resets it.
  func run() throws(StorageFailure) {
    defer { reset() }
    while try step() {}
  }

  /// The row that was stepped to.
  var row: Row { Row(pointer) }

  private func nextMark() -> Int32 {
    boundCount += 1
    return boundCount
  }

  private func note(_ code: Int32) {
    if code != SQLITE_OK { bindingCode = code }
  }

  /// SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
  private static var transient: sqlite3_destructor_type {
    unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  }
}

/// One row of a result, read column by column. Good until its statement is stepped or reset.
struct Row {
  private let pointer: OpaquePointer
  private var column: Int32 = 0

  fileprivate init(_ pointer: OpaquePointer) {
    self.pointer = pointer
  }

  mutating func integer() -> Int64 {
    sqlite3_column_int64(pointer, nextColumn())
  }

  mutating func optionalInteger() -> Int64? {
    let column = nextColumn()
    guard sqlite3_column_type(pointer, column) != SQLITE_NULL else { return nil }
    return sqlite3_column_int64(pointer, column)
  }

  mutating func double() -> Double {
    sqlite3_column_double(pointer, nextColumn())
  }

  mutating func text() -> String {
    optionalText() ?? ""
  }

  mutating func optionalText() -> String? {
    withOptionalText { $0.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Lends the bytes of a text without a copy; nil for NULL.
  mutating func withOptionalText<Result>(_ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
    let column = nextColumn()
    guard let start = sqlite3_column_text(pointer, column) else { return body(nil) }
    return body(UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, column))))
  }

  mutating func blob() -> [UInt8] {
    let column = nextColumn()
    guard let start = sqlite3_column_blob(pointer, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, column))))
  }

  mutating func value() -> SQLValue {
    switch sqlite3_column_type(pointer, column) {
    case SQLITE_INTEGER: .integer(integer())
    case SQLITE_FLOAT: .real(sqlite3_column_double(pointer, nextColumn()))
    case SQLITE_TEXT: .text(text())
    default: skip()
    }
  }

  /// The bytes of all its texts and blobs.
  var contentBytes: Int {
    (0..<sqlite3_column_count(pointer)).reduce(0) { sum, column in
      switch sqlite3_column_type(pointer, column) {
      case SQLITE_TEXT, SQLITE_BLOB: sum + Int(sqlite3_column_bytes(pointer, column))
      default: sum
      }
    }
  }

  private mutating func skip() -> SQLValue {
    column += 1
    return .null
  }

  private mutating func nextColumn() -> Int32 {
    defer { column += 1 }
    return column
  }
}
